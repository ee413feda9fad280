//! Who is listened to, for how long: as many connections at once as a browser and a few tabs need, and none that keeps
//! still.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::sleep,
};

use super::super::exit::Exit;

/// How long a connection may take to say what it wants.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that are served at once; more wait.
const MAX_CONNECTIONS: usize = 64;
/// How long to wait after the system could give no connection, for want of file handles above all.
const RECOVERY: Duration = Duration::from_millis(100);

/// Answers until the process ends.
///
/// # Errors
/// None so far; what the system refuses for a while is tried again.
pub(super) async fn answer(listener: TcpListener, app: Router) -> io::Result<Exit> {
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let place = Arc::clone(&free).acquire_owned().await.map_err(io::Error::other)?;
        match listener.accept().await {
            Ok((stream, _)) => {
                let app = app.clone();
                tokio::spawn(async move {
                    serve(stream, app).await;
                    drop(place);
                });
            }
            Err(_) => sleep(RECOVERY).await,
        }
    }
}

/// One connection, up to its end. Whoever breaks it off or keeps still is not told why.
async fn serve(stream: TcpStream, app: Router) {
    let service = TowerToHyperService::new(app);
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
