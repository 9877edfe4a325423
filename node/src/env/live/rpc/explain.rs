//! What servers say when they refuse, by what the caller does about it.
//!
//! JSON-RPC has few codes, and servers differ in what they mean by them: only the texts tell. Known are those of
//! geth (and so of BNB Smart Chain), reth, erigon, nethermind, besu and anvil. What is not known counts as an
//! outage: to try again later is harmless, to give a payment up is not.

use crate::env::{ChainError, evm::reason};
use alloy::{
    primitives::Bytes,
    transports::{RpcError, TransportError},
};

const UNDERPRICED: [&str; 5] = [
    "underpriced",
    "less than block base fee",
    "could not replace existing tx",
    "replacementnotallowed",
    "feetoolow",
];
const UNFUNDED: [&str; 3] =
    ["insufficient funds", "insufficientfunds", "upfront cost exceeds account balance"];
const KNOWN: [&str; 4] = ["already known", "alreadyknown", "known transaction", "already imported"];
const INVALID: [&str; 11] = [
    "intrinsic gas",
    "exceeds block gas limit",
    "gas limit too high",
    "gas limit is greater",
    "exceeds maximum per-transaction",
    "gas limit cap",
    "invalid chain id",
    "invalid sender",
    "higher than max fee per gas",
    "oversized data",
    "max initcode size exceeded",
];
const HALTED: [&str; 6] =
    ["execution reverted", "out of gas", "invalid opcode", "invalidfeopcode", "evm error", "stack underflow"];
const TOO_MUCH: [&str; 4] =
    ["query returned more than", "block range", "exceeds the range", "response size exceeded"];

/// What it means that a question was not answered.
pub(super) fn explain(method: &str, error: TransportError) -> ChainError {
    let RpcError::ErrorResp(said) = &error else { return unreachable(error.to_string()) };
    if let Some(data) = said.as_revert_data() {
        return ChainError::Reverted { why: reason(&data), data };
    }
    let why = said.message.to_string();
    match method {
        "eth_call" | "eth_estimateGas" if has(&why, &UNFUNDED) => ChainError::Unfunded { why },
        "eth_call" | "eth_estimateGas" if said.code == 3 || has(&why, &HALTED) => {
            ChainError::Reverted { data: Bytes::new(), why }
        }
        "eth_getLogs" if has(&why, &TOO_MUCH) => ChainError::TooMuch { why },
        _ => unreachable(why),
    }
}

/// What it means that a transaction was not taken; `None` if it waits already.
pub(super) fn explain_submit(error: TransportError, nonce: u64) -> Option<ChainError> {
    let RpcError::ErrorResp(said) = &error else { return Some(unreachable(error.to_string())) };
    let why = said.message.to_string();
    Some(if has(&why, &KNOWN) {
        return None;
    } else if has(&why, &["nonce too low", "oldnonce", "nonce is too low"]) {
        ChainError::NonceTooLow { nonce }
    } else if has(&why, &UNDERPRICED) {
        ChainError::Underpriced { why }
    } else if has(&why, &UNFUNDED) {
        ChainError::Unfunded { why }
    } else if has(&why, &INVALID) {
        ChainError::Invalid { why }
    } else {
        unreachable(why)
    })
}

fn has(text: &str, parts: &[&str]) -> bool {
    let text = text.to_lowercase();
    parts.iter().any(|part| text.contains(part))
}

fn unreachable(why: String) -> ChainError {
    ChainError::Unreachable { why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::rpc::json_rpc::ErrorPayload;

    fn said(code: i64, message: &str, data: Option<&str>) -> TransportError {
        let data = data.map(|it| serde_json::value::to_raw_value(it).unwrap());
        RpcError::ErrorResp(ErrorPayload { code, message: message.to_owned().into(), data })
    }

    #[test]
    fn servers_texts_are_told_apart() {
        let submit = |text| explain_submit(said(-32000, text, None), 7);
        assert_eq!(submit("already known"), None);
        assert_eq!(
            submit("nonce too low: next nonce 9, tx nonce 7"),
            Some(ChainError::NonceTooLow { nonce: 7 })
        );
        for text in [
            "replacement transaction underpriced",
            "transaction underpriced: gas tip cap 0, minimum needed 1",
            "max fee per gas less than block base fee: address 0x00, maxFeePerGas: 1, baseFee: 2",
        ] {
            assert!(matches!(submit(text), Some(ChainError::Underpriced { .. })), "{text}");
        }
        let unfunded = submit("insufficient funds for gas * price + value: have 0 want 1");
        assert!(matches!(unfunded, Some(ChainError::Unfunded { .. })));
        assert!(matches!(submit("intrinsic gas too low: gas 1"), Some(ChainError::Invalid { .. })));
        // Never give a payment up for a sentence that nobody has seen.
        assert!(matches!(submit("the moon is full"), Some(ChainError::Unreachable { .. })));
    }

    #[test]
    fn reverts_are_told_from_outages() {
        let data = "0x08c379a0000000000000000000000000000000000000000000000000000000000000002000000000000000\
                    0000000000000000000000000000000000000000000000000562726f6b65000000000000000000000000000\
                    000000000000000000000000000";
        let reverted = explain("eth_call", said(3, "execution reverted: broke", Some(data)));
        assert!(
            matches!(&reverted, ChainError::Reverted { why, .. } if why.contains("broke")),
            "{reverted:?}"
        );
        let bare = explain("eth_call", said(-32000, "execution reverted", None));
        assert!(matches!(&bare, ChainError::Reverted { data, .. } if data.is_empty()), "{bare:?}");
        let busy = explain("eth_call", said(-32005, "daily request count exceeded", None));
        assert!(matches!(busy, ChainError::Unreachable { .. }));
        let wide = explain("eth_getLogs", said(-32005, "query returned more than 10000 results", None));
        assert!(matches!(wide, ChainError::TooMuch { .. }));
    }
}
