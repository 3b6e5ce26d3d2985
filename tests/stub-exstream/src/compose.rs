//! On-demand composition, over the orchestration API and over the 16.x service gateway.

use crate::{
    answers,
    communication::{Communication, Output, OutputRecord, one, pdf_queue},
    options::{How, Spoil},
    stub::ExstreamStub,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use letter_render::{Stamp, value};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};
use stub_http::{Answer, Request};

const MAX_RECORDS: usize = 100_000;

/// A composed document.
pub(crate) struct ComposedDocument {
    pub queue: String,
    pub mime: String,
    pub customer: usize,
    pub bytes: Bytes,
    /// Of a file that a page shows.
    pub file_name: Option<String>,
}

impl ExstreamStub {
    /// The communication that a request to compose names, and whether its driver data is XML; else the refusal.
    pub(crate) fn requested(&self, request: &Request) -> Result<(Communication, bool), Answer> {
        let refuse =
            |status, message: &str, code| Err(answers::service_error(status, message, code, &request.path));
        let Some(id) = request.header("communicationid") else {
            return refuse(400, "Required request header 'communicationId' is not present", "MISSING_HEADER");
        };
        let Some(source) = request.header("driverdatasource") else {
            return refuse(
                400,
                "Required request header 'driverDataSource' is not present",
                "MISSING_HEADER",
            );
        };
        let Some(communication) = self.communication(id) else {
            return refuse(404, "The communication does not exist or has no approved version", "NOT_FOUND");
        };
        if communication.data_source.as_deref().is_some_and(|known| known != source) {
            return refuse(400, "The data source is not a production data source", "INVALID_DATA_SOURCE");
        }
        let Some(xml) = is_xml(request.header("content-type")) else {
            return refuse(415, "Content type is not supported", "UNSUPPORTED_MEDIA_TYPE");
        };
        Ok((communication, xml))
    }

    pub(crate) async fn on_demand(&self, request: &Request) -> Answer {
        let (communication, xml) = match self.requested(request) {
            Ok(requested) => requested,
            Err(refusal) => return refusal,
        };
        let refuse =
            |status, message: &str, code| answers::service_error(status, message, code, &request.path);
        let wanted = raw_type(request.header("accept"));
        let any = self.accepts_any(&communication.id);
        let outputs = match &wanted {
            None => communication.outputs.clone(),
            Some(mime) if any && letter_render::can_make(mime) => {
                vec![Output { queue: "RAW".to_owned(), mime: mime.clone(), pictures: Vec::new() }]
            }
            Some(mime) => communication.outputs.iter().filter(|o| o.mime == *mime).take(1).cloned().collect(),
        };
        if outputs.is_empty() {
            return refuse(406, "No output of the communication has the requested type", "NOT_ACCEPTABLE");
        }
        if outputs.iter().any(|o| o.mime == letter_render::EMPOWER) && request.header("empoweruser").is_none()
        {
            return refuse(400, "Required request header 'empowerUser' is not present", "MISSING_HEADER");
        }
        let composed = match self.compose(&communication, &outputs, &request.body, xml).await {
            Ok(composed) => composed,
            Err(refused) => return refused,
        };
        match (wanted, composed.first()) {
            (Some(mime), Some(first)) => Answer::new(200, &mime, first.bytes.clone()),
            _ => envelope(&composed),
        }
    }

    pub(crate) async fn service_gateway(&self, request: &Request) -> Answer {
        let refuse =
            |status, message: &str, code| answers::service_error(status, message, code, &request.path);
        let Some(name) = request.parameter("name") else {
            return refuse(400, "Required parameter 'name' is not present", "MISSING_PARAMETER");
        };
        if request.parameter("version") != Some("1") {
            return refuse(400, "Only version 1 is supported", "INVALID_PARAMETER");
        }
        let sent = serde_json::from_slice::<GatewayRequest>(&request.body).ok();
        let Some((driver, xml)) = sent.and_then(|sent| {
            let xml = is_xml(Some(&sent.content_type))?;
            Some((BASE64_STANDARD.decode(&sent.data).ok()?, xml))
        }) else {
            return refuse(400, "The body must hold contentType and data in base64", "INVALID_BODY");
        };
        let communication = self.communication(name).unwrap_or_else(|| Communication {
            id: name.to_owned(),
            name: name.to_owned(),
            version: one(),
            data_source: None,
            outputs: pdf_queue(),
            parts: None,
        });
        let outputs = communication.outputs.clone();
        let composed = match self.compose(&communication, &outputs, &driver, xml).await {
            Ok(composed) => composed,
            Err(refused) => return refused,
        };
        let result: Vec<_> = composed
            .iter()
            .map(|c| {
                json!({
                    "Content-Disposition": [format!("attachment; filename=\"{}\"", file_name(c))],
                    "content": {"data": BASE64_STANDARD.encode(&c.bytes), "contentType": c.mime, "empty": c.bytes.is_empty()},
                })
            })
            .collect();
        let id = self.serial.fetch_add(1, Ordering::Relaxed).to_string();
        Answer::json(
            200,
            &json!({"status": "success", "data": {"id": id, "attributeMap": {}, "result": result}}),
        )
    }

    /// Composes and records every output. The engine's process limit and latency apply.
    pub(crate) async fn compose(
        &self,
        communication: &Communication,
        outputs: &[Output],
        driver: &[u8],
        xml: bool,
    ) -> Result<Vec<ComposedDocument>, Answer> {
        let settings = self.settings();
        let Ok(_process) = self.engine.acquire().await else {
            return Err(answers::service_error(503, "The engine is stopping", "STOPPING", ""));
        };
        if settings.latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(settings.latency_ms)).await;
        }
        let customers =
            value::parse(driver, xml).map_err(|e| answers::engine_error(400, 400, &e.to_string()))?;
        if !self.is_mapped(communication, driver, xml) {
            return Err(answers::engine_error(400, 400, "No customer was found in the driver data"));
        }
        Ok(self.render(communication, outputs, &customers))
    }

    /// Whether the data has the root that the communication's data map is made for: that of its first data. Paths
    /// are matched whole from the root, so data of another form holds no customer.
    pub(crate) fn is_mapped(&self, communication: &Communication, driver: &[u8], xml: bool) -> bool {
        let is_list = value::has_root(driver, xml);
        let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        *roots.entry(communication.id.clone()).or_insert(is_list) == is_list
    }

    /// Renders and records without waiting; `customers` are those of one driver file.
    pub(crate) fn render(
        &self,
        communication: &Communication,
        outputs: &[Output],
        customers: &[Value],
    ) -> Vec<ComposedDocument> {
        let composed = self.compose_unrecorded(outputs, customers);
        for document in &composed {
            let driver = customers.get(document.customer - 1);
            self.record(&communication.id, document, driver);
        }
        composed
    }

    /// The documents of one driver file, for whoever keeps the record himself.
    pub(crate) fn compose_unrecorded(
        &self,
        outputs: &[Output],
        customers: &[Value],
    ) -> Vec<ComposedDocument> {
        let settings = self.settings();
        let stamp = (!settings.stable_output).then(|| Stamp {
            at: jiff::Timestamp::now(),
            serial: self.serial.fetch_add(1, Ordering::Relaxed),
        });
        let mut composed = Vec::new();
        for output in outputs {
            let documents =
                letter_render::make(&output.mime, customers, stamp.as_ref(), settings.pdf_padding_bytes);
            for (bytes, customer) in documents.into_iter().zip(1..) {
                composed.push(ComposedDocument {
                    queue: output.queue.clone(),
                    mime: output.mime.clone(),
                    customer,
                    bytes: showing(bytes, &output.pictures).into(),
                    file_name: None,
                });
                composed.extend(output.pictures.iter().map(|name| picture(&output.queue, name, customer)));
            }
        }
        if let Some(spoil) = &settings.spoil {
            spoiled(&mut composed, spoil);
        }
        composed
    }

    pub(crate) fn record(&self, template: &str, document: &ComposedDocument, driver: Option<&Value>) {
        if document.file_name.is_some() {
            return;
        }
        let mut records = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() < MAX_RECORDS {
            records.push(OutputRecord {
                communication: driver.and_then(|d| value::text(d, &["communication"])).unwrap_or_default(),
                template: template.to_owned(),
                mime: document.mime.clone(),
                sha256: hex::encode(Sha256::digest(&document.bytes)),
                bytes: document.bytes.len(),
                at: jiff::Timestamp::now(),
            });
        }
    }

    /// `{"outputs": {"<communication>": [..]}}`, of one communication with `?communication=`.
    pub(crate) fn report_outputs(&self, request: &Request) -> Answer {
        let wanted = request.parameter("communication");
        let records = self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_communication: BTreeMap<&str, Vec<&OutputRecord>> = BTreeMap::new();
        for record in records.iter().filter(|r| wanted.is_none_or(|w| w == r.communication)) {
            by_communication.entry(&record.communication).or_default().push(record);
        }
        Answer::json(200, &json!({ "outputs": by_communication }))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatewayRequest {
    content_type: String,
    data: String,
}

fn envelope(composed: &[ComposedDocument]) -> Answer {
    let data: Vec<_> = composed
        .iter()
        .map(|c| {
            json!({
                "content": BASE64_STANDARD.encode(&c.bytes),
                "mimeType": c.mime,
                "engineOutputContext": {
                    "queueName": c.queue,
                    "fileName": file_name(c),
                    "customerNumber": c.customer.to_string(),
                },
            })
        })
        .collect();
    Answer::json(200, &json!({"status": "success", "data": data}))
}

/// The page with a place for each of its pictures.
fn showing(page: Vec<u8>, pictures: &[String]) -> Vec<u8> {
    let shown: String = pictures.iter().map(|name| format!("<img src=\"{name}\" alt=\"\">")).collect();
    match String::from_utf8(page) {
        Ok(text) if !shown.is_empty() => text.replacen("</body>", &format!("{shown}</body>"), 1).into_bytes(),
        Ok(text) => text.into_bytes(),
        Err(binary) => binary.into_bytes(),
    }
}

/// One pixel.
const PICTURE: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

fn picture(queue: &str, name: &str, customer: usize) -> ComposedDocument {
    ComposedDocument {
        queue: queue.to_owned(),
        mime: "image/gif".to_owned(),
        customer,
        bytes: Bytes::from_static(PICTURE),
        file_name: Some(name.to_owned()),
    }
}

fn spoiled(composed: &mut Vec<ComposedDocument>, spoil: &Spoil) {
    let is_it = |document: &ComposedDocument| document.queue == spoil.queue && document.file_name.is_none();
    match spoil.how {
        How::Missing => composed.retain(|document| document.queue != spoil.queue),
        How::NoPictures => composed.retain(|it| it.queue != spoil.queue || it.file_name.is_none()),
        How::Twice => {
            let again: Vec<_> = composed.iter().filter(|it| is_it(it)).map(ComposedDocument::copy).collect();
            composed.extend(again);
        }
        How::WrongType => {
            for document in composed.iter_mut().filter(|document| is_it(document)) {
                document.bytes = Bytes::from_static(b"<html><body>Back soon</body></html>");
            }
        }
    }
}

impl ComposedDocument {
    fn copy(&self) -> Self {
        let Self { queue, mime, customer, bytes, file_name } = self;
        let (queue, mime, file_name) = (queue.clone(), mime.clone(), file_name.clone());
        Self { queue, mime, customer: *customer, bytes: bytes.clone(), file_name }
    }
}

pub(crate) fn file_name(document: &ComposedDocument) -> String {
    if let Some(name) = &document.file_name {
        return name.clone();
    }
    let extension = match document.mime.as_str() {
        "application/pdf" => "pdf",
        "text/html" => "html",
        "text/plain" => "txt",
        "application/json" => "json",
        _ => "bin",
    };
    format!("{}_{}.{extension}", document.queue, document.customer)
}

/// Whether driver data of this content type is XML; `None` if it is neither XML nor JSON.
pub(crate) fn is_xml(content_type: Option<&str>) -> Option<bool> {
    let mime = content_type?.split(';').next()?.trim().to_ascii_lowercase();
    match mime.as_str() {
        "application/json" => Some(false),
        "application/xml" | "text/xml" => Some(true),
        _ => None,
    }
}

/// The type of raw bytes an Accept header asks for; an HTTP client's default asks for none.
fn raw_type(accept: Option<&str>) -> Option<String> {
    let first = accept?.split([',', ';']).next()?.trim().to_ascii_lowercase();
    (!matches!(first.as_str(), "" | "*/*" | "application/json")).then_some(first)
}
