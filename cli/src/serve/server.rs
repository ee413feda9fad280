//! The HTTP side: who may ask, and the two things there are: a clip's page and its result.
//!
//! ```text
//! GET  /TOKEN/N/        the page of clip N
//! POST /TOKEN/N/result  knobs as JSON -> result
//! ```
//!
//! Bound to 127.0.0.1, so no other machine reaches it. Pages of other sites in the same browser do, and are refused: by
//! the token, which they do not know; by the `Origin` and `Sec-Fetch-Site` that browsers send; and, against names that
//! were made to point here (DNS rebinding), by the `Host`.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use tokio::time::timeout;

use super::{
    super::exit::{Exit, Failure},
    connections::{self, PATIENCE},
    knobs,
    result::{Served, Tried},
};

/// Bytes of a question at most; knobs take a hundred.
const MAX_BODY_BYTES: usize = 4_096;
/// Random bytes of the token: 128 bits cannot be guessed.
const TOKEN_BYTES: usize = 16;

/// A server that is bound and does not answer yet.
pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// What every request needs.
struct Shared {
    token: String,
    port: u16,
    clips: Vec<Served>,
    /// One computation at a time: each takes all cores.
    computing: std::sync::Mutex<()>,
}

impl Server {
    /// Takes a port of the loopback address, `0` for a free one, and draws a token.
    pub fn bind(port: u16, clips: Vec<Served>) -> Result<Self, Failure> {
        let taken = |error: std::io::Error| {
            Failure::usage(format!("port {port} of 127.0.0.1 cannot be used: {error}; --port 0 takes a free one"))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(taken)?;
        let port = listener.local_addr().map_err(taken)?.port();
        let shared = Shared { token: token()?, port, clips, computing: std::sync::Mutex::default() };
        Ok(Self { listener, shared: Arc::new(shared) })
    }

    /// The address of the first clip's page.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/1/", self.shared.port, self.shared.token)
    }

    /// Answers until the process ends.
    pub fn run(self) -> Result<Exit, Failure> {
        let failed = |error: std::io::Error| Failure::usage(format!("the server could not run: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let app = Router::new()
            .route("/{token}/{clip}/", get(page))
            .route("/{token}/{clip}/result", post(result))
            .layer(middleware::from_fn_with_state(Arc::clone(&self.shared), guard))
            .with_state(self.shared);
        runtime
            .block_on(async {
                self.listener.set_nonblocking(true)?;
                connections::answer(tokio::net::TcpListener::from_std(self.listener)?, app).await
            })
            .map_err(failed)
    }
}

fn token() -> Result<String, Failure> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::usage(format!("the system gave no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Refuses what does not come from a page of this server, and tells browsers to keep nothing and to embed nothing.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut response = match shared.refusal(&request) {
        Some(status) => status.into_response(),
        None => next.run(request).await,
    };
    let policies = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in policies {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Shared {
    /// Why a request is not answered; none when it may be.
    fn refusal(&self, request: &Request) -> Option<StatusCode> {
        let headers = request.headers();
        if !self.is_own_host(headers) || !self.is_own_origin(headers) {
            return Some(StatusCode::FORBIDDEN);
        }
        let token = request.uri().path().trim_start_matches('/').split('/').next().unwrap_or_default();
        if !equal_in_constant_time(token, &self.token) {
            return Some(StatusCode::NOT_FOUND);
        }
        let is_json = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        // A form of another site cannot send this type without asking first, and it is never told yes.
        (request.method() == Method::POST && !is_json).then_some(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    }

    /// Exactly one `Host`, and it is this server's.
    fn is_own_host(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let own = |host: &HeaderValue| {
            let names = ["127.0.0.1", "localhost"];
            names.iter().any(|name| host == format!("{name}:{}", self.port).as_str())
        };
        hosts.next().is_some_and(own) && hosts.next().is_none()
    }

    /// No sign that another site asks.
    fn is_own_origin(&self, headers: &HeaderMap) -> bool {
        let own = |origin: &HeaderValue| {
            let names = ["127.0.0.1", "localhost"];
            names.iter().any(|name| origin == format!("http://{name}:{}", self.port).as_str())
        };
        let same_site = |site: &HeaderValue| site == "same-origin" || site == "none";
        headers.get_all(header::ORIGIN).iter().all(own) && headers.get_all("sec-fetch-site").iter().all(same_site)
    }

    fn clip(&self, number: usize) -> Option<&Served> {
        self.clips.get(number.checked_sub(1)?)
    }

    /// Name and address of every clip's page, relative to one of them.
    fn pages(&self) -> Vec<(String, String)> {
        self.clips.iter().enumerate().map(|(i, clip)| (clip.input.display(), format!("../{}/", i + 1))).collect()
    }

    fn page(&self, number: usize) -> Result<Vec<u8>, Refusal> {
        let clip = self.clip(number).ok_or(Refusal::NotFound)?;
        let tried = self.tried(clip, knobs::start())?;
        tried.page(clip, self.pages()).map_err(|error| Refusal::Failed(error.to_string()))
    }

    fn result(&self, number: usize, question: &[u8]) -> Result<Vec<u8>, Refusal> {
        let clip = self.clip(number).ok_or(Refusal::NotFound)?;
        let recipe = knobs::recipe(question).map_err(|failure| Refusal::Wrong(failure.to_string()))?;
        Ok(self.tried(clip, recipe)?.to_bytes(clip))
    }

    fn tried(&self, clip: &Served, recipe: sqnr::recipe::Recipe) -> Result<Tried, Refusal> {
        let _one_at_a_time = self.computing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Tried::of(clip, recipe).map_err(|failure| Refusal::Failed(failure.to_string()))
    }
}

/// Why there is no answer.
enum Refusal {
    NotFound,
    /// The question makes no sense.
    Wrong(String),
    /// The result could not be computed.
    Failed(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::Wrong(why) => (StatusCode::BAD_REQUEST, why).into_response(),
            Self::Failed(why) => (StatusCode::UNPROCESSABLE_ENTITY, why).into_response(),
        }
    }
}

/// Without telling by its time how much of it was right.
fn equal_in_constant_time(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

async fn page(State(shared): State<Arc<Shared>>, Path((_, number)): Path<(String, usize)>) -> Response {
    answer("text/html; charset=utf-8", move || shared.page(number)).await
}

async fn result(
    State(shared): State<Arc<Shared>>,
    Path((_, number)): Path<(String, usize)>,
    question: Body,
) -> Response {
    let question = match timeout(PATIENCE, to_bytes(question, MAX_BODY_BYTES)).await {
        Ok(Ok(question)) => question,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    answer("application/octet-stream", move || shared.result(number, &question)).await
}

/// Computes on a thread of its own, so that the server goes on listening.
async fn answer(kind: &'static str, compute: impl FnOnce() -> Result<Vec<u8>, Refusal> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(compute).await {
        Ok(Ok(bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Ok(Err(refusal)) => refusal.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_compared_whole() {
        assert!(equal_in_constant_time("ab", "ab"));
        assert!(!equal_in_constant_time("ab", "a") && !equal_in_constant_time("ab", "ac"));
        let (a, b) = (token().expect("random"), token().expect("random"));
        assert!(a.len() == 2 * TOKEN_BYTES && a != b);
    }
}
