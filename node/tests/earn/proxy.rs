//! Stands between one node and the chain's server, and holds back the first transaction of a kind.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

#[derive(Default)]
struct Seen {
    /// The transaction that is held back, as the request had it.
    held: Option<String>,
    open: bool,
    /// Those of the kind that were let through.
    sent: Vec<String>,
}

/// The proxy; it lives as long as the test.
pub struct Proxy {
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Proxy {
    /// Forwards to `rpc`, but for transactions that call a function of this selector.
    pub fn start(rpc: &str, selector: [u8; 4]) -> Self {
        let (server, selector) = (rpc.trim_start_matches("http://").to_string(), hex::encode(selector));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, selector, seen) = (server.clone(), selector.clone(), shared.clone());
                // A node that is killed leaves connections behind.
                thread::spawn(move || forward(stream, &server, &selector, &seen));
            }
        });
        Self { url, seen }
    }

    /// The transaction that is held back.
    pub fn held(&self) -> Option<String> {
        self.seen.lock().unwrap().held.clone()
    }

    /// Holds nothing back any more.
    pub fn let_through(&self) {
        self.seen.lock().unwrap().open = true;
    }

    /// All transactions of the kind that were let through.
    pub fn sent(&self) -> Vec<String> {
        self.seen.lock().unwrap().sent.clone()
    }
}

/// Forwards the one request of a connection.
fn forward(stream: TcpStream, server: &str, selector: &str, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut answers = stream;
    let Some(body) = request(&mut reader)? else { return Ok(()) };
    let text = String::from_utf8_lossy(&body).into_owned();
    if text.contains("eth_sendRawTransaction") && text.contains(selector) {
        let raw = text.split("\"0x").nth(1).unwrap_or_default().split('"').next().unwrap_or_default();
        let mut seen = seen.lock().unwrap();
        if !seen.open {
            seen.held.get_or_insert_with(|| raw.to_string());
            // No answer: the sender waits until it is killed.
            drop(seen);
            return reader.read_to_end(&mut Vec::new()).map(drop);
        }
        seen.sent.push(raw.to_string());
    }
    let mut up = TcpStream::connect(server)?;
    let head = "POST / HTTP/1.1\r\nHost: chain\r\nConnection: close\r\nContent-Type: application/json";
    write!(up, "{head}\r\nContent-Length: {}\r\n\r\n", body.len())?;
    up.write_all(&body)?;
    let mut answer = Vec::new();
    up.read_to_end(&mut answer)?;
    answers.write_all(&answer)?;
    // The server closes after its answer, and so does this.
    answers.shutdown(std::net::Shutdown::Both)
}

/// The body of the next request.
fn request(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if line.is_empty() && length > 0 {
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            return Ok(Some(body));
        }
    }
}
