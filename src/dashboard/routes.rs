//! What a dashboard answers: to whom, with which headers, and what at which path.
//!
//! Every request goes through [`guard`]: it answers reading alone, to those who ask for a name that is known, and whatever the
//! answer is, no page may take anything from elsewhere or be shown within another.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use futures_core::Stream;
use tokio::sync::mpsc::Receiver;

use super::connections::Seat;
use super::server::Service;
use super::{json, page};

/// On every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

pub(super) fn routes(service: Arc<Service>) -> Router {
    let typed = |kind: &'static str, body: String| ([(CONTENT_TYPE, kind)], body);
    Router::new()
        .route(
            "/",
            get(async move |State(service): State<Arc<Service>>| {
                typed(HTML, page::page(&service.board.runs()))
            }),
        )
        .route("/style.css", get(async move || typed(CSS, page::style())))
        .route(
            "/script.js",
            get(async move || typed(SCRIPT, page::SCRIPT.to_owned())),
        )
        .route("/events", get(events))
        .route(
            "/api/flows",
            get(async move |State(service): State<Arc<Service>>| {
                typed(JSON, json::flows(&service.board.runs_now()))
            }),
        )
        .fallback(async || (StatusCode::NOT_FOUND, "there is nothing at this path\n"))
        .layer(middleware::from_fn_with_state(service.clone(), guard))
        .with_state(service)
}

/// Stands before every answer.
async fn guard(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let mut response = if !host.is_some_and(|host| service.options.answers(host)) {
        let said = "this dashboard is not known by that name: ask for `localhost` or an address, or name it with \
                    `DashboardOptions::host`\n";
        (StatusCode::MISDIRECTED_REQUEST, said).into_response()
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let said = "this dashboard can only be read\n";
        let allow = [(ALLOW, "GET, HEAD")];
        (StatusCode::METHOD_NOT_ALLOWED, allow, said).into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in HEADERS {
        let headers = response.headers_mut();
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The runs as they change, for who stays connected.
async fn events(State(service): State<Arc<Service>>, Extension(seat): Extension<Seat>) -> Response {
    match service.connect(seat.clone()) {
        Some(news) => {
            let news = News { news, seat };
            ([(CONTENT_TYPE, EVENTS)], Body::from_stream(news)).into_response()
        }
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "too many look at this dashboard already\n",
        )
            .into_response(),
    }
}

/// What somebody is told, as a stream.
struct News {
    news: Receiver<Bytes>,
    seat: Seat,
}

impl Stream for News {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.news.poll_recv(cx).map(|event| event.map(Ok))
    }
}

impl Drop for News {
    /// Who asked for the head alone, or has heard the end, does not stay, though the connection may.
    fn drop(&mut self) {
        self.seat.keep(false);
    }
}
