// Where the functions run: outside of any network of yours by default, in a VPC that the stack makes, or in one that is there.
// In a VPC, AWS is reached through endpoints, everything else through a NAT gateway or a proxy. And whom they trust: the
// authorities of Amazon Linux, and those of a bundle of your own beside them.

import { Fn, Stack, Validations } from 'aws-cdk-lib';
import {
  CfnVPCEndpoint,
  FlowLogDestination,
  GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Code, type ILayerVersion, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { copyFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkSettings } from './network-settings.ts';
import type { Grant } from './permissions.ts';

/** Name of the bundle in its layer, which Lambda unpacks to `/opt`. */
const BUNDLE = 'extra-authorities.pem';

/** The port that an address names, or the one of its scheme. */
function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === 'http:' ? 80 : 443));
}

export interface NetworkProps {
  readonly prefix: string;
  readonly settings: NetworkSettings;
  /** Whether a function puts events on a bus. */
  readonly putsEvents: boolean;
  /** Whether there is a console, which asks for metrics and gives events back to intake. */
  readonly hasConsole: boolean;
  /** Encrypts the flow logs. */
  readonly key?: IKey;
}

/** What a function in a VPC is deployed with. */
export interface Attachment {
  readonly subnetIds: string[];
  readonly securityGroupIds: string[];
}

export class Network extends Construct {
  /** Undefined: outside of any VPC. */
  readonly attachment?: Attachment;
  readonly layers: ILayerVersion[] = [];
  readonly environment: Record<string, string> = {};

  constructor(
    scope: Construct,
    id: string,
    private readonly props: NetworkProps,
  ) {
    super(scope, id);
    const { vpc, httpsProxy, noProxy, caBundle } = props.settings;
    if (vpc !== undefined) {
      this.attachment =
        'create' in vpc
          ? this.create(vpc.create)
          : { subnetIds: [...vpc.subnets], securityGroupIds: [...vpc.securityGroups] };
    }
    if (httpsProxy !== undefined) {
      this.environment.HTTPS_PROXY = httpsProxy;
      this.environment.NO_PROXY = noProxy;
    }
    if (caBundle !== undefined) {
      this.layers.push(this.bundle(caBundle));
      this.environment.EXTRA_CA_FILE = `/opt/${BUNDLE}`;
    }
  }

  private create({ cidr, zones, natGateways }: { cidr: string; zones: number; natGateways: number }): Attachment {
    const isolated = natGateways === 0;
    const subnetType = isolated ? SubnetType.PRIVATE_ISOLATED : SubnetType.PRIVATE_WITH_EGRESS;
    const vpc = new Vpc(this, 'Vpc', {
      vpcName: this.props.prefix,
      ipAddresses: IpAddresses.cidr(cidr),
      availabilityZones: Array.from({ length: zones }, (_, index) => Fn.select(index, Fn.getAzs())),
      natGateways,
      // CloudFormation cannot empty it without a function that may change security groups
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        { name: 'functions', subnetType, cidrMask: 22 },
        ...(isolated
          ? []
          : [{ name: 'gateways', subnetType: SubnetType.PUBLIC, cidrMask: 28, mapPublicIpOnLaunch: false }]),
      ],
    });
    Validations.of(vpc).acknowledge(
      {
        id: 'NIST.800.53.R5-VPCDefaultSecurityGroupClosed',
        reason: 'Nothing is in the default group; closing it would take a function that may change security groups.',
      },
      {
        id: 'NIST.800.53.R5-VPCNoUnrestrictedRouteToIGW',
        reason: 'The route is of the subnets that hold the NAT gateways and nothing else.',
      },
    );
    this.log(vpc);
    const functions = new SecurityGroup(this, 'Functions', {
      vpc,
      description: 'The functions: HTTPS out, nothing in',
      allowAllOutbound: false,
    });
    functions.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS, Shopify, Exstream, Core Messaging');
    const { httpsProxy } = this.props.settings;
    const proxyPort = httpsProxy === undefined ? 443 : portOf(new URL(httpsProxy));
    if (proxyPort !== 443) {
      functions.addEgressRule(Peer.anyIpv4(), Port.tcp(proxyPort), 'The proxy');
    }
    this.endpoints(vpc, functions, subnetType);
    return {
      subnetIds: vpc.selectSubnets({ subnetType }).subnetIds,
      securityGroupIds: [functions.securityGroupId],
    };
  }

  /** What the functions ask of AWS stays in AWS's network, and nobody can use the ways for another account. */
  private endpoints(vpc: Vpc, functions: SecurityGroup, subnetType: SubnetType): void {
    const { account } = Stack.of(this);
    const policy = () =>
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new AnyPrincipal()],
        actions: ['*'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:PrincipalAccount': account } },
      });
    for (const [name, service] of [
      ['S3', GatewayVpcEndpointAwsService.S3],
      ['DynamoDb', GatewayVpcEndpointAwsService.DYNAMODB],
    ] as const) {
      const endpoint = new GatewayVpcEndpoint(this, name, { vpc, service, subnets: [{ subnetType }] });
      endpoint.addToPolicy(policy());
    }
    const group = new SecurityGroup(this, 'Endpoints', {
      vpc,
      description: 'Endpoints of AWS services: HTTPS from the functions',
      allowAllOutbound: false,
    });
    group.addIngressRule(functions, Port.tcp(443), 'The functions');
    const services = [
      ['Sqs', InterfaceVpcEndpointAwsService.SQS],
      ['SecretsManager', InterfaceVpcEndpointAwsService.SECRETS_MANAGER],
      ['Kms', InterfaceVpcEndpointAwsService.KMS],
      ...(this.props.putsEvents ? [['Events', InterfaceVpcEndpointAwsService.EVENTBRIDGE] as const] : []),
      ...(this.props.hasConsole
        ? [
            ['Monitoring', InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING] as const,
            ['Lambda', InterfaceVpcEndpointAwsService.LAMBDA] as const,
          ]
        : []),
    ] as const;
    for (const [name, service] of services) {
      const endpoint = new InterfaceVpcEndpoint(this, name, {
        vpc,
        service,
        securityGroups: [group],
        subnets: { subnetType },
        open: false,
      });
      (endpoint.node.defaultChild as CfnVPCEndpoint).policyDocument = new PolicyDocument({ statements: [policy()] });
    }
  }

  private log(vpc: Vpc): void {
    const logGroup = new LogGroup(this, 'FlowLog', {
      logGroupName: `/aws/vpc/${this.props.prefix}`,
      retention: RetentionDays.THREE_MONTHS,
      encryptionKey: this.props.key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'FlowLogRole', {
      assumedBy: new ServicePrincipal('vpc-flow-logs.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    vpc.addFlowLog('Traffic', { destination: FlowLogDestination.toCloudWatchLogs(logGroup, role) });
  }

  private bundle(file: string): LayerVersion {
    const folder = mkdtempSync(join(tmpdir(), 'authorities-'));
    copyFileSync(file, join(folder, BUNDLE));
    return new LayerVersion(this, 'Authorities', {
      layerVersionName: `${this.props.prefix}-authorities`,
      description: 'Certificate authorities that the functions trust beside those of Amazon Linux',
      code: Code.fromAsset(folder),
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

/** What Lambda needs to put a function into a VPC. The function's own code may not: it knows the role's credentials. */
export function attach(functionArn: string): Grant {
  const actions = [
    'ec2:AssignPrivateIpAddresses',
    'ec2:CreateNetworkInterface',
    'ec2:DeleteNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:UnassignPrivateIpAddresses',
  ];
  const ofTheCode = { ArnEquals: { 'lambda:SourceFunctionArn': functionArn } };
  return {
    statements: [
      new PolicyStatement({ actions, resources: ['*'] }),
      new PolicyStatement({ effect: Effect.DENY, actions, resources: ['*'], conditions: ofTheCode }),
    ],
    patterns: ['AwsSolutions-IAM5[Resource::*]', 'Serverless-LambdaStarPermissions'].map((id) => ({
      id,
      reason: 'Lambda makes and describes network interfaces whose ids are not known before; the code may not.',
    })),
  };
}
