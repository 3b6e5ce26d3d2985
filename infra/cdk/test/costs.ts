// What an operation asks of a shop's budget, by two rules: the published one, by which a connection is sized by its
// `first`, and the one that explains the costs recorded from the real API, by which it counts floor(2 ln first).

import {
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isObjectType,
  isInterfaceType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
} from 'graphql';

export type Variables = Readonly<Record<string, unknown>>;

type Multiplier = (nodes: number) => number;

const PUBLISHED: Multiplier = (nodes) => nodes;
const MEASURED: Multiplier = (nodes) => (nodes === 0 ? 0 : Math.max(1, Math.floor(2 * Math.log(nodes))));

const FREE = new Set(['MoneyBag', 'MoneyV2', 'PageInfo']);
const CONNECTION = 2;
const COUNT = 10;
const MUTATION = 10;

/** Points that are requested, by the published and by the measured rule. */
export function costs(schema: GraphQLSchema, text: string, variables: Variables): [number, number] {
  const document = parse(text);
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  );
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) throw new Error('no operation');
  const fragments = new Map(
    document.definitions
      .filter((it): it is FragmentDefinitionNode => it.kind === Kind.FRAGMENT_DEFINITION)
      .map((it) => [it.name.value, it]),
  );

  const cost = (multiplier: Multiplier): number => {
    /** The fields of a selection with their own types. Of the types an abstract one may have, the dearest counts. */
    const selection = (set: SelectionSetNode, parent: GraphQLNamedType): number => {
      let sum = 0;
      const alternatives: number[] = [];
      for (const node of set.selections) {
        if (node.kind === Kind.FIELD) {
          sum += field(node, parent);
          continue;
        }
        const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node;
        if (!fragment) throw new Error('an unknown fragment');
        const name = fragment.typeCondition?.name.value;
        const type = name === undefined ? parent : schema.getType(name);
        if (!type) throw new Error(`an unknown type ${name}`);
        const inner = selection(fragment.selectionSet, type);
        if (type === parent || !isAbstractType(parent)) sum += inner;
        else alternatives.push(inner);
      }
      return sum + Math.max(0, ...alternatives);
    };
    /** The fields of a connection, with those of its fragments. */
    const flat = (set: SelectionSetNode): FieldNode[] =>
      set.selections.flatMap((node) => {
        if (node.kind === Kind.FIELD) return [node];
        const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node;
        return fragment ? flat(fragment.selectionSet) : [];
      });
    const field = (node: FieldNode, parent: GraphQLNamedType): number => {
      const type = typeOf(node, parent);
      if (!node.selectionSet || !type || !isCompositeType(type) || FREE.has(type.name)) return 0;
      if (node.name.value.toLowerCase().endsWith('usererrors')) return 0;
      if (type.name === 'Count') return COUNT;
      if (!type.name.endsWith('Connection')) return 1 + selection(node.selectionSet, type);
      let outside = 0;
      let perNode = 0;
      for (const inner of flat(node.selectionSet)) {
        const innerType = typeOf(inner, type);
        if (inner.name.value === 'nodes' && inner.selectionSet && innerType)
          perNode += 1 + selection(inner.selectionSet, innerType);
        else if (inner.name.value === 'edges' && inner.selectionSet && innerType)
          perNode += selection(inner.selectionSet, innerType);
        else outside += field(inner, type);
      }
      return CONNECTION + outside + multiplier(pageSize(node, variables)) * perNode;
    };
    if (operation.operation !== 'mutation') return selection(operation.selectionSet, root);
    // the first object of a payload is free
    return operation.selectionSet.selections.reduce((sum, node) => {
      if (node.kind !== Kind.FIELD || !node.selectionSet) throw new Error('not a mutation');
      const payload = typeOf(node, root);
      const inner = payload ? selection(node.selectionSet, payload) : 0;
      return sum + MUTATION + Math.max(0, inner - 1);
    }, 0);
  };
  return [cost(PUBLISHED), cost(MEASURED)];
}

function typeOf(node: FieldNode, parent: GraphQLNamedType): GraphQLNamedType | undefined {
  if (!isObjectType(parent) && !isInterfaceType(parent)) return undefined;
  const found = parent.getFields()[node.name.value];
  return found && getNamedType(found.type);
}

function pageSize(node: FieldNode, variables: Variables): number {
  const argument = node.arguments?.find(({ name }) => name.value === 'first' || name.value === 'last');
  const value = argument?.value;
  const size =
    value?.kind === Kind.INT
      ? Number(value.value)
      : value?.kind === Kind.VARIABLE
        ? Number(variables[value.name.value])
        : Number.NaN;
  if (!Number.isInteger(size)) throw new Error(`${node.name.value}: the size of its pages is not known`);
  return size;
}
