//! JSON-RPC 2.0, requests and batches (<https://www.jsonrpc.org/specification>).

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

/// Most requests of one batch.
const MAX_BATCH: usize = 100;

/// Why a request is not answered as it wishes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fault {
    pub code: i64,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl Fault {
    pub const PARSE: i64 = -32700;
    pub const REQUEST: i64 = -32600;
    pub const METHOD: i64 = -32601;
    pub const PARAMETERS: i64 = -32602;
    pub const INTERNAL: i64 = -32603;
    /// What nodes answer when they refuse a transaction.
    pub const REFUSED: i64 = -32000;
    /// What nodes answer when execution reverts (geth).
    pub const REVERTED: i64 = 3;

    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }
}

#[derive(Deserialize)]
struct Request<'a> {
    jsonrpc: &'a str,
    method: &'a str,
    #[serde(default)]
    params: Value,
    /// A request without an id wants no answer.
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Response<'a> {
    jsonrpc: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
    id: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Result(Value),
    Error(Fault),
}

/// Answers a request or a batch; nothing if nobody waits for an answer.
pub fn answer(body: &[u8], mut call: impl FnMut(&str, &Value) -> Result<Value, Fault>) -> Option<String> {
    let batch = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if !batch {
        return one(body, &mut call);
    }
    let requests: Vec<&RawValue> = match serde_json::from_slice(body) {
        Ok(requests) => requests,
        Err(why) => return Some(refusal(Fault::PARSE, &why.to_string())),
    };
    if requests.is_empty() || requests.len() > MAX_BATCH {
        return Some(refusal(Fault::REQUEST, &format!("a batch has 1 to {MAX_BATCH} requests")));
    }
    let answers: Vec<String> =
        requests.into_iter().filter_map(|it| one(it.get().as_bytes(), &mut call)).collect();
    (!answers.is_empty()).then(|| format!("[{}]", answers.join(",")))
}

fn one(body: &[u8], call: &mut impl FnMut(&str, &Value) -> Result<Value, Fault>) -> Option<String> {
    let request: Request<'_> = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(why) if why.is_data() => return Some(refusal(Fault::REQUEST, &why.to_string())),
        Err(why) => return Some(refusal(Fault::PARSE, &why.to_string())),
    };
    if request.jsonrpc != "2.0" {
        return Some(refusal(Fault::REQUEST, "jsonrpc must be \"2.0\""));
    }
    let outcome = call(request.method, &request.params).map_or_else(Outcome::Error, Outcome::Result);
    request.id?;
    Some(render(outcome, request.id))
}

fn refusal(code: i64, why: &str) -> String {
    render(Outcome::Error(Fault::new(code, why)), None)
}

fn render(outcome: Outcome, id: Option<&RawValue>) -> String {
    let response = Response { jsonrpc: "2.0", outcome, id };
    serde_json::to_string(&response).expect("values and raw values are JSON")
}
