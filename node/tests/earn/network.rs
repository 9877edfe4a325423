//! Processes: the chain's, and the nodes'.

use serde_json::Value;
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Waits for something.
#[track_caller]
pub fn until(patience: Duration, what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < patience, "waited {patience:?} in vain: {what}");
        thread::sleep(Duration::from_millis(200));
    }
}

pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} of {value}"))
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn command(dir: &Path, rpc: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.env_remove("HOLDFAST_DIR").env_remove("HOLDFAST_RPC").env("HOLDFAST_LOG", "warn,holdfast=debug");
    if let Some(rpc) = rpc {
        command.env("HOLDFAST_RPC", rpc);
    }
    command.arg("--dir").arg(dir).arg("--json").args(arguments);
    command
}

#[track_caller]
fn done(arguments: &[&str], output: &Output) -> Value {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {err}");
    serde_json::from_str(&out).unwrap_or_else(|why| panic!("{arguments:?}: {why}: {out}"))
}

/// Makes an account whose password stands in a file beside it; its address.
fn account(dir: &Path) -> String {
    fs::create_dir_all(dir).unwrap();
    let password = dir.join("password");
    fs::write(&password, "pass word\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let new = ["wallet", "new", "--password-file", &password.to_string_lossy()];
    let made = done(&new, &command(dir, None, &new).output().unwrap());
    text(&made, "address").to_string()
}

/// A process that ends with this.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What is proven, and how often.
pub struct Proofs {
    /// As deployments and nodes' settings name it.
    pub circuit: &'static str,
    pub window_blocks: i64,
}

impl Proofs {
    /// A proof takes a tenth of a second.
    pub const SMALL: Self = Self { circuit: "small", window_blocks: 40 };
    /// The circuits in use: four providers share two cores for some seconds a proof.
    pub const IN_USE: Self = Self { circuit: "full", window_blocks: 90 };
}

/// Serves the chain, and deploys.
pub struct Bank {
    dir: PathBuf,
    pub rpc: String,
    pub port: u16,
    served: Option<Served>,
}

impl Bank {
    pub fn new(dir: &Path) -> Self {
        account(dir);
        Self { dir: dir.to_owned(), rpc: String::new(), port: free_port(), served: None }
    }

    pub fn deployment(&self) -> PathBuf {
        self.dir.join("deployment.toml")
    }

    /// Serves with a block every so many seconds, or for each transaction; goes on where it was stopped.
    pub fn serve(&mut self, block_time: u64, funded: &[String]) {
        drop(self.served.take());
        let (port, block_time) = (self.port.to_string(), block_time.to_string());
        let mut arguments = vec!["chain", "run", "--port", &port, "--block-time", &block_time];
        funded.iter().for_each(|account| arguments.extend(["--fund", account]));
        let mut child = command(&self.dir, None, &arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line =
            lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("ready: "))).unwrap().unwrap();
        // It stops when nobody reads what it prints.
        thread::spawn(move || lines.for_each(drop));
        self.rpc = line.split(" at ").nth(1).and_then(|rest| rest.split(',').next()).unwrap().to_string();
        self.served = Some(Served(child));
    }

    /// Deploys for these proofs.
    pub fn deploy(&self, proofs: &Proofs) {
        let print = ["chain", "deploy", "--print-settings"];
        let printed = command(&self.dir, Some(&self.rpc), &print).output().unwrap();
        let mut settings: toml::Table = toml::from_str(&String::from_utf8(printed.stdout).unwrap()).unwrap();
        settings["circuit"] = proofs.circuit.into();
        settings["windows"]["blocks"] = proofs.window_blocks.into();
        settings["windows"]["open_blocks"] = 10.into();
        settings["parameters"]["response_blocks"] = 25.into();
        let file = self.dir.join("settings.toml");
        fs::write(&file, toml::to_string(&settings).unwrap()).unwrap();
        let (file, password) = (file.to_string_lossy(), self.dir.join("password"));
        let deploy = ["chain", "deploy", "--settings", &file, "--password-file", &password.to_string_lossy()];
        done(&deploy, &command(&self.dir, Some(&self.rpc), &deploy).output().unwrap());
    }
}

/// A node.
pub struct Member {
    pub dir: PathBuf,
    pub number: usize,
    pub account: String,
    served: Option<Served>,
}

impl Member {
    pub fn new(dir: &Path, number: usize) -> Self {
        let dir = dir.join(format!("n{number}"));
        let init = ["init", "--capacity", "1GiB"];
        done(&init, &command(&dir, None, &init).output().unwrap());
        let account = account(&dir);
        Self { dir, number, account, served: None }
    }

    /// Knows the deployment, has test tokens, and is a provider with stake if so asked.
    pub fn enrol(&self, bank: &Bank, provides: bool) {
        fs::copy(bank.deployment(), self.dir.join("deployment.toml")).unwrap();
        let password = self.dir.join("password").to_string_lossy().into_owned();
        let sent = |arguments: &[&str]| {
            let arguments = [arguments, &["--password-file", &password]].concat();
            done(&arguments, &command(&self.dir, Some(&bank.rpc), &arguments).output().unwrap());
        };
        sent(&["wallet", "faucet"]);
        if provides {
            sent(&["provider", "register", "--price", "0.5"]);
            sent(&["provider", "stake", "1000"]);
        }
    }

    /// Writes the settings; members share the development keys, which stand in a directory.
    pub fn settings(&self, rpc: &str, bootstrap: &[String], (circuit, keys): (&str, &Path)) {
        let [key, opening_key, access_key] = ["key", "opening-key", "access-key"].map(|name| keys.join(name));
        let settings = format!(
            "capacity_bytes = 1073741824\n\
             operator = \"n{}\"\n\
             listen = [\"/ip4/127.0.0.1/tcp/0\"]\n\
             bootstrap = {bootstrap:?}\n\
             [chain]\nrpc = {rpc:?}\nid = 31337\npassword_file = \"password\"\n\
             [market]\nsettle_windows = 1\nleast_claim = \"0.01\"\nretrieval_price = \"1024\"\n\
             [proving]\ncircuit = {circuit:?}\nkey_file = {key:?}\nopening_key_file = {opening_key:?}\n\
             access_key_file = {access_key:?}\ninsecure_development_key = true\n",
            self.number
        );
        fs::write(self.dir.join("holdfast.toml"), settings).unwrap();
    }

    pub fn edit(&self, from: &str, to: &str) {
        let path = self.dir.join("holdfast.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replace(from, to)).unwrap();
    }

    /// Starts the node; the addresses to join through it.
    pub fn start(&mut self) -> Vec<String> {
        let log = File::options().create(true).append(true).open(self.dir.join("log")).unwrap();
        let mut run = command(&self.dir, None, &["run"]);
        let child = run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let pid = u64::from(child.id());
        self.served = Some(Served(child));
        let node = self.dir.join("node.json");
        let told = || -> Option<Value> { serde_json::from_slice(&fs::read(&node).ok()?).ok() };
        until(Duration::from_secs(60), "the node starts", || told().is_some_and(|it| it["pid"] == pid));
        let told = told().unwrap();
        let listen = told["listen"].as_array().unwrap().iter();
        listen.map(|it| format!("{}/p2p/{}", it.as_str().unwrap(), text(&told, "peer"))).collect()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        drop(self.served.take());
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        command(&self.dir, None, arguments).stdin(Stdio::null()).output().unwrap()
    }

    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> Value {
        done(arguments, &self.run(arguments))
    }

    pub fn status(&self) -> Value {
        self.done(&["status"])
    }
}
