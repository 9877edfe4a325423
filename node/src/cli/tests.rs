//! What may be said, and what is written for people to read.

use super::{
    args::{Arguments, Command},
    config::render,
    failure::exit_code,
};
use crate::{
    actors::client::{ClientError, NoAccess},
    api::{Failed, FailureKind},
    data::CodecChoice,
    settings::{ChainSettings, MarketSettings, ProofCircuit, Proving, Settings, Timing},
    types::{CodeError, PlacementId},
};
use clap::{CommandFactory, Parser};

fn parse(line: &str) -> Arguments {
    Arguments::try_parse_from(line.split(' ')).unwrap()
}

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn json_and_dir_may_stand_anywhere() {
    for line in ["holdfast --json --dir d ls", "holdfast ls --json --dir d"] {
        let arguments = parse(line);
        assert!(arguments.json && arguments.dir.as_deref() == Some("d".as_ref()));
    }
}

#[test]
fn a_put_has_a_code_that_repairs_halfway_unless_told_otherwise() {
    let code = |line: &str| match parse(line).command {
        Command::Put(put) => put.code(),
        other => panic!("{other:?}"),
    };
    let default = code("holdfast put f").unwrap();
    assert_eq!((default.k(), default.n(), default.repair_at()), (4, 8, 6));
    assert_eq!(code("holdfast put f --k 10 --n 20 --repair-at 12").unwrap().repair_at(), 12);
    assert_eq!(code("holdfast put f --k 8").unwrap_err(), CodeError::NoRedundancy { k: 8, n: 8 });
    assert!(code("holdfast put f --repair-at 8").is_err());
}

#[test]
fn a_file_has_one_list_of_readers_at_most() {
    match parse("holdfast put f --list 0").command {
        Command::Put(put) => assert_eq!((put.list, put.access), (Some(0), None)),
        other => panic!("{other:?}"),
    }
    assert!(Arguments::try_parse_from(["holdfast", "put", "f", "--list", "0", "--access", "list"]).is_err());
    assert!(Arguments::try_parse_from(["holdfast", "access", "publish", "list"]).is_err(), "of no number");
}

#[test]
fn sizes_may_have_units() {
    match parse("holdfast put f --segment-size 1MiB").command {
        Command::Put(put) => assert_eq!(put.segment_size.as_u64(), 1 << 20),
        other => panic!("{other:?}"),
    }
    assert!(Arguments::try_parse_from(["holdfast", "put", "f", "--segment-size", "much"]).is_err());
}

#[test]
fn written_settings_read_back_as_they_were() {
    let odd = Settings {
        capacity_bytes: 0,
        operator: "\"quoted\" \\ and ünïcode\nlines".into(),
        region: "#".into(),
        listen: Vec::new(),
        bootstrap: vec!["/ip4/192.0.2.1/tcp/1".into(), "'".into()],
        codec: CodecChoice::NovelPoly,
        chain: ChainSettings {
            rpc: "http://[::1]:8545/\"".into(),
            id: 97,
            wallet: "a\tb".into(),
            password_file: "pass\"word".into(),
            most_fee_gwei: 7,
        },
        market: MarketSettings {
            sell: false,
            least_price: "0.000000000000000001".parse().unwrap(),
            most_collateral: "12.5".parse().unwrap(),
            settle_windows: 3,
            least_claim: "0".parse().unwrap(),
            hold_price: "0.000025".parse().unwrap(),
            retrieval_price: "0.5".parse().unwrap(),
            watch: false,
        },
        proving: Proving {
            circuit: ProofCircuit::Small,
            key_file: "a \"key\"".into(),
            opening_key_file: "öpening".into(),
            access_key_file: "/access".into(),
            insecure_development_key: true,
        },
        timing: Timing { probe_interval_s: 1e-3, ..Timing::default() },
    };
    for settings in [Settings::default(), odd] {
        let text = render(&settings);
        let read: Settings = toml::from_str(&text).unwrap();
        assert_eq!(read, settings, "{text}");
    }
}

#[test]
fn every_kind_of_failure_has_the_exit_code_that_help_names() {
    let help = Arguments::command().render_long_help().to_string();
    let kinds = [
        FailureKind::Failed,
        FailureKind::Usage,
        FailureKind::NotFound,
        FailureKind::Unavailable,
        FailureKind::Sealed,
    ];
    for (kind, code) in kinds.into_iter().zip(1..) {
        assert_eq!(exit_code(kind), code);
        assert!(help.contains(&format!("\n  {code}  ")), "{help}");
    }
}

#[test]
fn a_reader_that_is_not_served_hears_whether_to_try_again() {
    let failed = |why| Failed::from(ClientError::NoAccess(PlacementId::from_bytes([1; 32]), why));
    for why in [NoAccess::Unread, NoAccess::Elsewhere(1)] {
        let failed = failed(why);
        assert_eq!(failed.kind, FailureKind::Unavailable, "{failed:?}");
        assert!(failed.hint.is_some_and(|hint| hint.contains("try again")));
    }
    for why in [NoAccess::NoKey, NoAccess::Closed, NoAccess::Untaken] {
        let failed = failed(why);
        assert_eq!(failed.kind, FailureKind::Sealed, "{failed:?}");
        assert!(failed.hint.is_some_and(|hint| !hint.contains("try again")));
    }
}
