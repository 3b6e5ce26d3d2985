//! Questions to CloudWatch: what was counted in some spans of time. One request per page, signed here; nothing is kept.
//!
//! The SDK's client for CloudWatch would bring a second wire format and compression for this one question, whose JSON form
//! is as well published. Whatever goes wrong is one thing to the page that asks: there are no values at the moment.

use aws_config::SdkConfig;
use aws_credential_types::provider::{
    ProvideCredentials, SharedCredentialsProvider, error::CredentialsError,
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningError, SigningSettings, sign},
    sign::v4,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

const TARGET: &str = "GraniteServiceVersion20100801.GetMetricData";
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
/// Longer a page does not wait.
const MOST: Duration = Duration::from_millis(1500);
/// No answer to a question of ours is nearly as long.
const MOST_BYTES: usize = 1024 * 1024;
/// CloudWatch answers so many questions at once.
pub const MOST_QUESTIONS: usize = 500;

/// A metric, and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    pub namespace: &'static str,
    pub metric: &'static str,
    pub dimension: (&'static str, String),
    /// `Sum`, `Maximum`, `p95`.
    pub statistic: &'static str,
}

/// Spans of equal length, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spans {
    pub from_second: i64,
    pub seconds: i64,
    pub count: usize,
}

impl Spans {
    fn until_second(self) -> i64 {
        self.from_second + self.seconds * i64::try_from(self.count).unwrap_or_default()
    }

    pub fn start(self, index: usize) -> Timestamp {
        let second = self.from_second + self.seconds * i64::try_from(index).unwrap_or_default();
        Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn index(self, second: f64) -> Option<usize> {
        let index = ((second - self.from_second as f64) / self.seconds as f64).floor();
        (index >= 0.0 && index < self.count as f64).then_some(index as usize)
    }
}

/// What CloudWatch knows: for each question a value per span, absent where nothing was counted.
#[derive(Debug)]
pub struct Answers {
    pub values: Vec<Vec<Option<f64>>>,
    /// Values are missing that it has.
    pub is_partial: bool,
}

/// Why there are no values.
#[derive(Debug, thiserror::Error)]
pub enum MetricError {
    #[error("the function has no credentials")]
    NoCredentials,
    #[error("the function's credentials were not given")]
    Credentials(#[source] CredentialsError),
    #[error("the question could not be signed")]
    Signing(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("CloudWatch did not answer")]
    Request(#[source] reqwest::Error),
    #[error("CloudWatch refused with status {status}: {code}")]
    Refused { status: u16, code: String },
    #[error("CloudWatch's answer cannot be read")]
    Malformed(#[source] serde_json::Error),
    #[error("CloudWatch's answer is too long")]
    TooLong,
    #[error("CloudWatch did not answer within {} ms", MOST.as_millis())]
    Late,
}

impl From<SigningError> for MetricError {
    fn from(error: SigningError) -> Self {
        Self::Signing(error.into())
    }
}

pub struct MetricService {
    http: reqwest::Client,
    url: String,
    region: String,
    credentials: Option<SharedCredentialsProvider>,
}

impl MetricService {
    /// Of the region and the account of `aws`. Sends nothing.
    pub fn new(http: reqwest::Client, aws: &SdkConfig) -> Self {
        let region = aws.region().map(ToString::to_string).unwrap_or_default();
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let usual = || format!("https://monitoring.{region}.{suffix}");
        let url = aws.endpoint_url().map_or_else(usual, |url| url.trim_end_matches('/').to_owned()) + "/";
        Self { http, url, region, credentials: aws.credentials_provider() }
    }

    /// Asks all of it at once.
    ///
    /// # Errors
    /// When there is no answer in time, or none that says anything.
    pub async fn ask(&self, questions: &[Question], spans: Spans) -> Result<Answers, MetricError> {
        debug_assert!(questions.len() <= MOST_QUESTIONS, "{} questions", questions.len());
        let body = serde_json::to_vec(&request(questions, spans)).map_err(MetricError::Malformed)?;
        match tokio::time::timeout(MOST, self.send(body)).await {
            Ok(answer) => Ok(read(&answer?, questions.len(), spans)),
            Err(_) => Err(MetricError::Late),
        }
    }

    async fn send(&self, body: Vec<u8>) -> Result<Answer, MetricError> {
        let provider = self.credentials.as_ref().ok_or(MetricError::NoCredentials)?;
        let credentials = provider.provide_credentials().await.map_err(MetricError::Credentials)?;
        let mut request =
            self.http.post(&self.url).header("content-type", CONTENT_TYPE).header("x-amz-target", TARGET);
        for (name, value) in self.signature(credentials.into(), &body)? {
            request = request.header(name, value);
        }
        let mut answer = request.body(body).send().await.map_err(without_address)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(without_address)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST_BYTES {
                return Err(MetricError::TooLong);
            }
        }
        if !status.is_success() {
            let error: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            let code = comms::one_line(comms::cut(error["__type"].as_str().unwrap_or("no reason"), 100));
            return Err(MetricError::Refused { status: status.as_u16(), code });
        }
        serde_json::from_slice(&bytes).map_err(MetricError::Malformed)
    }

    /// The headers that prove who asks.
    fn signature(
        &self,
        identity: aws_smithy_runtime_api::client::identity::Identity,
        body: &[u8],
    ) -> Result<Vec<(String, String)>, MetricError> {
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("monitoring")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| MetricError::Signing(error.into()))?
            .into();
        let headers = [("content-type", CONTENT_TYPE), ("x-amz-target", TARGET)];
        let signable =
            SignableRequest::new("POST", &self.url, headers.into_iter(), SignableBody::Bytes(body))?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

fn without_address(error: reqwest::Error) -> MetricError {
    MetricError::Request(error.without_url())
}

fn request(questions: &[Question], spans: Spans) -> Value {
    let queries: Vec<_> = questions
        .iter()
        .enumerate()
        .map(|(index, Question { namespace, metric, dimension: (name, value), statistic })| {
            json!({
                "Id": format!("q{index}"),
                "MetricStat": {
                    "Metric": {
                        "Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": name, "Value": value}]
                    },
                    "Period": spans.seconds,
                    "Stat": statistic,
                },
                "ReturnData": true,
            })
        })
        .collect();
    json!({
        "MetricDataQueries": queries, "StartTime": spans.from_second, "EndTime": spans.until_second(),
        "ScanBy": "TimestampAscending",
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    metric_data_results: Vec<Series>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Series {
    id: String,
    #[serde(default)]
    status_code: Option<String>,
    #[serde(default)]
    timestamps: Vec<f64>,
    #[serde(default)]
    values: Vec<f64>,
}

fn read(answer: &Answer, questions: usize, spans: Spans) -> Answers {
    let of: HashMap<_, _> = answer.metric_data_results.iter().map(|it| (it.id.as_str(), it)).collect();
    // one question is one series: what is asked about in pieces is not whole
    let mut is_partial = answer.next_token.is_some();
    let values = (0..questions).map(|index| {
        let mut values = vec![None; spans.count];
        match of.get(format!("q{index}").as_str()) {
            Some(series) => {
                is_partial |= series.status_code.as_deref() != Some("Complete");
                for (second, value) in series.timestamps.iter().zip(&series.values) {
                    if let Some(slot) = spans.index(*second).and_then(|index| values.get_mut(index)) {
                        *slot = Some(value.max(0.0));
                    }
                }
            }
            None => is_partial = true,
        }
        values
    });
    let values = values.collect();
    Answers { values, is_partial }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPANS: Spans = Spans { from_second: 86_400, seconds: 3600, count: 2 };

    fn of(text: &str) -> Answers {
        read(&serde_json::from_str(text).unwrap(), 2, SPANS)
    }

    #[test]
    fn a_value_is_in_its_span_and_what_is_missing_is_said() {
        let whole = of(r#"{"MetricDataResults":[
            {"Id":"q1","StatusCode":"Complete","Timestamps":[90000],"Values":[7]},
            {"Id":"q0","StatusCode":"Complete","Timestamps":[86400.0,93600.0],"Values":[1.5,9]}]}"#);
        assert_eq!(whole.values, [vec![Some(1.5), None], vec![None, Some(7.0)]]);
        assert!(!whole.is_partial);
        for partial in [
            r#"{"MetricDataResults":[{"Id":"q0","StatusCode":"Complete"}]}"#,
            r#"{"MetricDataResults":[{"Id":"q0","StatusCode":"Complete"},{"Id":"q1","StatusCode":"Forbidden"}]}"#,
            r#"{"MetricDataResults":[{"Id":"q0","StatusCode":"Complete"},{"Id":"q1","StatusCode":"Complete"}],"NextToken":"t"}"#,
        ] {
            assert!(of(partial).is_partial, "{partial}");
        }
    }

    #[tokio::test]
    async fn the_question_is_signed_for_the_region() {
        let aws = fakes::aws("http://127.0.0.1:1").await;
        let service = MetricService::new(reqwest::Client::new(), &aws);
        let provider = service.credentials.as_ref().unwrap();
        let identity = provider.provide_credentials().await.unwrap().into();
        let headers: HashMap<_, _> = service.signature(identity, b"{}").unwrap().into_iter().collect();
        let proof = &headers["authorization"];
        assert!(proof.contains(&format!("/{}/monitoring/aws4_request", service.region)), "{proof}");
        assert!(proof.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-target"), "{proof}");
    }
}
