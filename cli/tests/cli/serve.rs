//! `serve` as a program: who is answered, who is not, and that the page's figures are the command line's.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::support::Folder;

/// A server in a folder; it ends with the test.
struct Server {
    child: Child,
    port: u16,
    token: String,
}

/// Status, headers and body of an answer.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Server {
    fn start(folder: &Folder, inputs: &[&str]) -> Self {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("sqnr"))
            .current_dir(folder.path("."))
            .args(["serve", "--no-open"])
            .args(inputs)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("the address");
        let (port, token) = line
            .trim()
            .strip_prefix("http://127.0.0.1:")
            .and_then(|rest| rest.strip_suffix("/1/")?.split_once('/'))
            .unwrap_or_else(|| panic!("an address, not {line:?}"));
        Self { port: port.parse().expect("a port"), token: token.to_owned(), child }
    }

    /// Sends `lines` and a body, and reads to the end.
    fn raw(&self, lines: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
        write!(stream, "{lines}Connection: close\r\n\r\n").expect("sent");
        // A server that refuses by the head alone may close before it has read the body.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        Answer { status, head, body: bytes[end + 4..].to_vec() }
    }

    fn get(&self, path: &str, headers: &str) -> Answer {
        self.raw(&format!("GET {path} HTTP/1.1\r\n{headers}"), b"")
    }

    fn post(&self, clip: &str, headers: &str, body: &str) -> Answer {
        let head =
            format!("POST /{}/{clip}/result HTTP/1.1\r\n{headers}Content-Length: {}\r\n", self.token, body.len());
        self.raw(&head, body.as_bytes())
    }

    /// The headers of a browser on the server's own page.
    fn own(&self) -> String {
        let port = self.port;
        format!(
            "Host: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"
        )
    }

    /// The result's JSON and samples.
    fn result(&self, clip: &str, knobs: &str) -> (Value, Vec<f32>) {
        let answer = self.post(clip, &self.own(), knobs);
        assert_eq!(answer.status, 200, "{}: {}", answer.head, String::from_utf8_lossy(&answer.body));
        let length = u32::from_le_bytes(answer.body[..4].try_into().expect("4 bytes")) as usize;
        let json = serde_json::from_slice(&answer.body[4..4 + length]).expect("JSON");
        let samples = answer.body[4 + length..].chunks_exact(4);
        (json, samples.map(|b| f32::from_le_bytes(b.try_into().expect("4 bytes"))).collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("it runs until it is ended");
        self.child.wait().expect("ended");
    }
}

const EIGHT_BITS: &str = r#"{"method":"uniform","bits":8,"dither":"tpdf","shape":"none","quality":5}"#;

fn knobs(method: &str, bits: u32, dither: &str, shape: &str) -> String {
    format!(r#"{{"method":"{method}","bits":{bits},"dither":"{dither}","shape":"{shape}","quality":5}}"#)
}

fn snr(result: &Value) -> f64 {
    let figures = result["figures"].as_array().expect("figures");
    figures.iter().find(|f| f["key"] == "snr_db").and_then(|f| f["value"].as_f64()).expect("an SNR")
}

#[test]
fn only_its_own_page_is_answered() {
    let folder = Folder::new();
    folder.song("song.wav");
    let server = Server::start(&folder, &["song.wav"]);
    let (port, token) = (server.port, &server.token);
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    let page = server.get(&format!("/{token}/1/"), &host);
    assert_eq!(page.status, 200);
    let text = String::from_utf8_lossy(&page.body);
    assert!(text.contains("id=\"knobs\"") && text.contains("connect-src 'self'") && text.contains("song.wav"));
    for header in [
        "cache-control: no-store",
        "x-frame-options: DENY",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
    ] {
        assert!(page.head.to_ascii_lowercase().contains(&header.to_ascii_lowercase()), "{header}: {}", page.head);
    }
    let status = |path: &str, headers: &str| server.get(path, headers).status;
    let own = format!("/{token}/1/");
    assert_eq!(status(&own, &format!("Host: localhost:{port}\r\n")), 200);
    // Another name for this address, no name, two names, another port.
    for host in [
        "Host: evil.example\r\n".into(),
        format!("Host: evil.example:{port}\r\n"),
        "Host: 127.0.0.1\r\n".into(),
        format!("{host}Host: evil.example\r\n"),
    ] {
        assert_ne!(status(&own, &host), 200, "{host}");
    }
    for foreign in [
        "Origin: https://evil.example\r\n".to_owned(),
        "Origin: null\r\n".into(),
        format!("Origin: http://127.0.0.1:{}\r\n", port ^ 1),
        "Sec-Fetch-Site: cross-site\r\n".into(),
        "Sec-Fetch-Site: same-site\r\n".into(),
    ] {
        assert_eq!(status(&own, &format!("{host}{foreign}")), 403, "{foreign}");
    }
    let wrong = format!("/{}/1/", token.chars().rev().collect::<String>());
    for path in ["/", "/1/", &wrong, &own[..own.len() - 4], &format!("/{}/1/", &token[1..])] {
        assert_eq!(status(path, &host), 404, "{path}");
    }
}

#[test]
fn no_path_leaves_the_inputs() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.write("secret.wav", b"not for the network");
    let server = Server::start(&folder, &["song.wav"]);
    let host = format!("Host: 127.0.0.1:{}\r\n", server.port);
    let token = &server.token;
    for end in [
        "secret.wav",
        "1/secret.wav",
        "1/../secret.wav",
        "1/..%2fsecret.wav",
        "%2e%2e/%2e%2e/etc/passwd",
        "../../../../etc/passwd",
        "0/",
        "2/",
        "-1/",
        "99999999999999999999/",
        "1//",
        "1/result",
        "1/%00",
        "1/\\..\\secret.wav",
    ] {
        let answer = server.get(&format!("/{token}/{end}"), &host);
        assert!([400, 404, 405].contains(&answer.status), "{end}: {}", answer.status);
        let body = String::from_utf8_lossy(&answer.body);
        assert!(!body.contains("not for the network") && !body.contains("root:"), "{end}");
    }
    for body in [
        r#"{"method":"secret.json","bits":8,"dither":"tpdf","shape":"none","quality":5}"#,
        "[]",
        "",
        "{",
        EIGHT_BITS.trim_end_matches('}'),
    ] {
        assert_eq!(server.post("1", &server.own(), body).status, 400, "{body}");
    }
    assert_eq!(server.post("2", &server.own(), EIGHT_BITS).status, 404);
}

#[test]
fn questions_are_small_and_of_one_type() {
    let folder = Folder::new();
    folder.song("song.wav");
    let server = Server::start(&folder, &["song.wav"]);
    assert_eq!(server.post("1", &server.own(), &" ".repeat(5_000)).status, 413);
    let form = server.own().replace("application/json", "text/plain");
    assert_eq!(server.post("1", &form, EIGHT_BITS).status, 415, "what a form of another site could send");
    let foreign = server.own().replace("Origin: http://127.0.0.1", "Origin: http://evil.example");
    assert_eq!(server.post("1", &foreign, EIGHT_BITS).status, 403);
    assert_eq!(server.post("1", &server.own(), EIGHT_BITS).status, 200, "and it still answers");
}

#[test]
fn results_are_those_of_the_command_line() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("generate pink --rate 48000 --seconds 0.5 --level -12 --channels 2 -b 16 -o noise.wav").succeeds();
    let server = Server::start(&folder, &["song.wav", "noise.wav"]);
    for (clip, input) in [("1", "song.wav"), ("2", "noise.wav")] {
        for (method, bits, dither, shape) in [
            ("uniform", 6, "tpdf", "none"),
            ("uniform", 3, "none", "none"),
            ("mid-rise", 5, "rpdf", "none"),
            ("mu-law", 8, "none", "none"),
            ("lloyd-max", 4, "none", "none"),
        ] {
            let (result, samples) = server.result(clip, &knobs(method, bits, dither, shape));
            let law = if method == "mu-law" { "--law continuous" } else { "" };
            let line = format!("quantize -b {bits} -m {method} {law} -d {dither} {input} -f -o q.wav");
            let printed = folder.json(&line)["snr_db"].as_f64().expect("an SNR");
            assert_eq!(snr(&result), printed, "{line}");
            assert_eq!(
                result["frames"].as_u64().map(|n| n * result["channels"].as_u64().expect("channels")),
                Some(samples.len() as u64)
            );
            assert!(result["status"].as_str().is_some_and(|s| s.contains(&format!("SNR {printed:.2} dB"))), "{result}");
        }
    }
    let (shaped, _) = server.result("2", &knobs("uniform", 8, "tpdf", "auto"));
    let printed = folder.json("quantize -b 8 -s auto noise.wav -f -o q.wav")["snr_db"].as_f64().expect("an SNR");
    assert_eq!(snr(&shaped), printed);
    assert!(shaped["command"].as_str().is_some_and(|c| c.ends_with("-d tpdf -s auto noise.wav")), "{shaped}");
}

#[test]
fn the_codec_is_the_one_of_encode_and_decode() {
    let folder = Folder::new();
    folder.run("generate pink --rate 48000 --seconds 1 --level -12 --channels 2 -b 16 -o noise.wav").succeeds();
    let server = Server::start(&folder, &["noise.wav"]);
    let (result, samples) = server.result("1", &knobs("codec", 8, "tpdf", "none"));
    folder.run("encode -q 5 noise.wav -o noise.sqn").succeeds();
    folder.run("decode -b 24 -d none noise.sqn -o back.wav").succeeds();
    let (_, codes) = folder.read("back.wav");
    let left: Vec<f64> = codes.iter().step_by(2).map(|&c| f64::from(c) / f64::from(1 << 23)).collect();
    assert_eq!(left.len(), samples.len() / 2);
    for (i, (file, page)) in left.iter().zip(&samples).enumerate() {
        assert!((file - f64::from(*page)).abs() < 1.2e-7, "sample {i}: {file} {page}");
    }
    assert!(snr(&result) > 5.0);
}

#[test]
fn names_are_text_and_bad_inputs_are_answered() {
    let folder = Folder::new();
    folder.song("song.wav");
    let name = "<img src=x onerror=alert(1)>.wav";
    folder.copy("../testdata/README.md", "text.wav");
    std::fs::copy(folder.path("song.wav"), folder.path(name)).expect("copied");
    let server = Server::start(&folder, &[name]);
    let page = server.get(&format!("/{}/1/", server.token), &format!("Host: 127.0.0.1:{}\r\n", server.port));
    assert_eq!(page.status, 200);
    assert!(!String::from_utf8_lossy(&page.body).contains("<img"));
    folder.run("serve --no-open text.wav").fails(3, "text.wav");
    folder.run("serve --no-open missing.wav").fails(3, "no such file");
    folder.run("serve --no-open").fails(2, "missing IN");
    folder.run("serve --no-open --range 5..6 song.wav").fails(3, "no samples in the range");
    folder.run(&format!("serve --no-open --port {} song.wav", server.port)).fails(2, "cannot be used");
    folder.run("serve --dry-run song.wav").succeeds();
}

/// Connections that say nothing neither keep others out for ever nor are kept for ever.
#[test]
fn silent_connections_are_closed() {
    let folder = Folder::new();
    folder.song("song.wav");
    let server = Server::start(&folder, &["song.wav"]);
    let connect = || TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
    let mut silent: Vec<TcpStream> = (0..100).map(|_| connect()).collect();
    let answer = server.raw(&format!("GET /wrong/1/ HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", server.port), b"");
    assert_eq!(answer.status, 404);
    silent[0].set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    let mut byte = [0];
    // An end, or an answer that the time is over.
    assert!(silent[0].read(&mut byte).is_ok());
}
