//! The daemon's life: finish what a kill left, build, listen, serve, stop when told.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App as ActixApp, HttpServer};
use rackgen::error::{At, Error, Result};
use rackgen::lock::Lock;
use rustix::net::sockopt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::app::{App, Check};
use crate::audit::NoteTaker;
use crate::config::DaemonSettings;
use crate::intake::staging;
use crate::metrics::Metrics;
use crate::publish::Publisher;
use crate::reload::Reloader;
use crate::webhook::Deliveries;
use crate::{log, publish, reload, routes};

/// What is in flight at a stop has so many seconds to end.
pub(crate) const GRACE: u64 = 10;

/// Who takes nothing of an answer for so long is not waited for, nor who is not there any more: as long as a small body
/// may take to arrive.
const UNREAD: Duration = Duration::from_secs(30);

/// Runs until a signal says stop.
pub(crate) async fn run(settings: DaemonSettings) -> Result<()> {
    log::start(&settings.log);
    raise_descriptors();
    let signals = Signals::catch().at("catch", "signals".as_ref())?;
    let addresses = settings.listen.clone();
    let app = Arc::new(App::new(settings, Metrics::new()?));
    // For as long as this process lives: a second daemon would clear away our uploads.
    let _lock = Lock::take(&app.registry.folders().state)?;
    // Before anything is built: what changes now is announced too.
    app.take_up_webhooks()?;
    // Blocking, and meant to be: nobody is served before the trees are whole.
    complete(&app)?;
    let notes = NoteTaker::start(app.clone());
    let reloader = Reloader::start(app.clone())?;
    let deliveries = Deliveries::start(app.clone())?;

    let listener = listen(&addresses)?;
    let address = listener
        .local_addr()
        .at("listen on", "the address".as_ref())?;
    let publisher = Data::new(Publisher::start(app.clone()));
    let ended = app.clone();
    let head_time = app.limits.contents.head_time();
    let app = Data::from(app);
    let served = publisher.clone();
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(app.clone())
            .app_data(served.clone())
            .default_service(web::to(routes::dispatch))
    })
    .listen(listener)
    .at("listen on", address.to_string().as_ref())?
    .disable_signals()
    .shutdown_timeout(GRACE)
    .client_request_timeout(head_time)
    .run();
    tell_systemd(NotifyState::Ready);
    // A pipe that nobody reads any longer is no reason to stop.
    let _ = writeln!(std::io::stdout(), "listening on http://{address}");
    actix_web::rt::spawn(signals.obey(server.handle(), reloader, deliveries.stop(), ended.clone()));
    server.await.at("serve", address.to_string().as_ref())?;
    // Others may hold it still: it is not its end that is waited for, but that of its work.
    publisher.finish();
    deliveries.join();
    notes.finish();
    if let Some(fault) = ended.broken() {
        return Err(Error::refused(&ended.registry.folders().state, fault));
    }
    tracing::info!("stopped");
    Ok(())
}

fn listen(addresses: &[SocketAddr]) -> Result<TcpListener> {
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let listener = TcpListener::bind(addresses).at("listen on", names.join(", ").as_ref())?;
    // Connections have it from their listener. It counts too while the other side is there and its window is shut.
    let unread = UNREAD.as_millis().try_into().unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(&listener, unread)
        .at("set TCP_USER_TIMEOUT of", names.join(", ").as_ref())?;
    Ok(listener)
}

/// As many descriptors as this process may have at all: each connection takes one, and what a shell gives by itself is a
/// thousand.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(fault) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!("cannot raise RLIMIT_NOFILE: {fault}");
    }
}

/// Brings trees and source to where an earlier run was going, and to what hands changed meanwhile. What cannot be
/// completed is shown by `/health`; what there is is served all the same.
fn complete(app: &App) -> Result<()> {
    for fault in app.access().faults() {
        tracing::error!("access file: {fault}");
    }
    {
        let _lock = app.registry.lock_source()?;
        publish::replay(app, &app.write())?;
        if !app.faults().contains_key(&Check::Intents) {
            staging::clear(app.registry.source())?;
        }
    }
    reload::build(app);
    Ok(())
}

/// Of use to a unit of `Type=notify`; nothing happens where `NOTIFY_SOCKET` is not set. Whoever is not told does
/// without: there are others to serve.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(fault) = sd_notify::notify(&[state]) {
        tracing::warn!("cannot notify systemd at NOTIFY_SOCKET: {fault}");
    }
}

/// The signals that the daemon knows, caught from now on.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Reloads on SIGHUP, stops on the others and when the disk is broken.
    async fn obey(
        mut self,
        server: ServerHandle,
        reloader: Reloader,
        deliveries: Arc<Notify>,
        app: Arc<App>,
    ) {
        loop {
            tokio::select! {
                () = app.breaks.notified() => break,
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hangup.recv() => reloader.ask(),
            }
        }
        tracing::info!("stopping");
        app.stop();
        tell_systemd(NotifyState::Stopping);
        deliveries.notify_one();
        server.stop(true).await;
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn every_connection_ends_when_nothing_of_it_is_read() {
        let listener = listen(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let timeout = sockopt::tcp_user_timeout(&accepted).unwrap();
        assert_eq!(u128::from(timeout), UNREAD.as_millis());
    }
}
