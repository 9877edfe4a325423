//! From an empty directory to a staked provider, as a person does it: a chain of this machine, an account, the
//! contracts, and the provider's place among them.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and runs real processes"
)]

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};
use tempfile::TempDir;

struct Home {
    dir: TempDir,
    rpc: String,
}

impl Home {
    /// A node's directory with an account and the file of its password.
    fn new() -> Self {
        let it = Self { dir: TempDir::new().unwrap(), rpc: String::new() };
        it.done(&["init", "--capacity", "1GiB", "--listen", "/ip4/127.0.0.1/tcp/4001"]);
        fs::write(it.password(), "pass word\n").unwrap();
        fs::set_permissions(it.password(), fs::Permissions::from_mode(0o600)).unwrap();
        it.done(&["wallet", "new", "--password-file", &it.password().to_string_lossy()]);
        it
    }

    fn password(&self) -> PathBuf {
        self.dir.path().join("password")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command.env_remove("HOLDFAST_DIR").env_remove("HOLDFAST_RPC").env("HOLDFAST_LOG", "warn");
        if !self.rpc.is_empty() {
            command.env("HOLDFAST_RPC", &self.rpc);
        }
        command.arg("--dir").arg(self.dir.path()).arg("--json").args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn done(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {err}");
        serde_json::from_str(&out).unwrap_or_else(|why| panic!("{arguments:?}: {why}: {out}"))
    }

    /// A command that sends.
    fn sent(&self, arguments: &[&str]) -> Value {
        let password = self.password();
        self.done(&[arguments, &["--password-file", &password.to_string_lossy()]].concat())
    }

    fn refused(&self, arguments: &[&str], code: i32, error: &str, hint: &str) {
        let password = self.password().to_string_lossy().into_owned();
        let output = self.run(&[arguments, &["--password-file", &password]].concat());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(error) && text.contains(&format!("hint: {hint}")), "{arguments:?}: {text}");
    }
}

/// `holdfast chain run`, which ends with this.
struct Served(Child);

impl Served {
    fn start(home: &mut Home) -> Self {
        let mut child =
            home.command(&["chain", "run", "--port", "0"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let url = line.split(" at ").nth(1).and_then(|rest| rest.split(',').next());
        home.rpc = url.unwrap_or_else(|| panic!("{line}")).to_string();
        Self(child)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} of {value}"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_person_runs_a_chain_deploys_and_becomes_a_provider() {
    let mut home = Home::new();
    assert_eq!(mode(&home.dir.path().join("wallet/main.json")), 0o600);
    let account = text(&home.done(&["wallet", "show"]), "address").to_string();
    home.refused(&["provider", "stake", "1"], 2, "no chain is named", "name one with --rpc");
    let served = Served::start(&mut home);
    home.refused(&["provider", "stake", "1"], 3, "deployment.toml is not there", "name the file");

    // Settings and steps can be looked at before anything is sent.
    let steps = home.done(&["chain", "deploy", "--dry-run"]);
    let steps = steps.as_array().unwrap();
    assert!(steps.len() > 50 && steps.iter().all(|step| step["done"] == false), "{steps:?}");
    let deployed = home.sent(&["chain", "deploy"]);
    assert_eq!(deployed["sent"].as_u64().unwrap() as usize, steps.len());
    assert_eq!(home.sent(&["chain", "deploy"])["sent"], 0, "nothing is deployed twice");
    let status = home.done(&["chain", "status"]);
    assert_eq!(status["deployment"]["findings"], Value::Array(Vec::new()));
    assert_eq!(text(&status["deployment"], "supply"), "1000000000");

    home.refused(&["provider", "stake", "100"], 1, "has 0 HOLD, 100 are needed", "on a development chain");
    home.sent(&["wallet", "faucet"]);
    home.refused(&["wallet", "faucet"], 1, "the contract refuses: TooSoon", "the faucet gives once a day");
    assert_eq!(text(&home.done(&["wallet", "balance"]), "hold"), "10000");
    home.refused(&["provider", "stake", "100"], 1, "UnknownProvider", "the provider is not registered");
    home.sent(&["provider", "register", "--price", "0.5", "--region", "here"]);
    home.sent(&["provider", "stake", "1000.25"]);
    let status = home.done(&["provider", "status"]);
    assert!(text(&status, "operator").eq_ignore_ascii_case(&account), "{status} against {account}");
    assert_eq!(text(&status, "stake"), "1000.25");
    assert_eq!(text(&status, "price"), "0.5");
    // A commission that rises waits for the unbonding time, the first one too.
    let commissions = (status["commission_bps"].as_u64(), status["next_commission_bps"].as_u64());
    assert_eq!(commissions, (Some(0), Some(1_000)));
    assert_eq!((text(&status, "region"), status["capacity_bytes"].as_u64()), ("here", Some(1 << 30)));
    home.refused(&["provider", "unstake", "1001"], 1, "cannot be withdrawn", "name no amount");
    home.sent(&["provider", "unstake", "400"]);
    home.refused(&["provider", "withdraw"], 1, "StillUnbonding", "wait until that block");
    home.sent(&["provider", "exit"]);
    assert_eq!(home.done(&["provider", "status"])["exiting"], true);
    home.sent(&["provider", "exit", "--undo"]);
    assert_eq!(home.done(&["provider", "status"])["exiting"], false);

    let other = "0x00000000000000000000000000000000C0fFEE00";
    home.sent(&["wallet", "send", other, "1.5"]);
    home.sent(&["wallet", "send", other, "0.25", "--coin"]);
    let balance = home.done(&["wallet", "balance", other]);
    assert_eq!((text(&balance, "hold"), text(&balance, "coin")), ("1.5", "0.25"));
    home.refused(&["wallet", "send", other, "1.5", "--chain-id", "1"], 2, "expected 1", "correct --rpc");

    // The chain outlives its process.
    drop(served);
    home.refused(&["wallet", "send", other, "1"], 4, "cannot be reached", "is the chain running?");
    let served = Served::start(&mut home);
    assert_eq!(text(&home.done(&["wallet", "balance", other]), "hold"), "1.5");
    assert_eq!(home.done(&["chain", "status"])["deployment"]["findings"], Value::Array(Vec::new()));
    drop(served);
}
