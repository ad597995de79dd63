//! The daemon's life: finish what a kill left, build, listen, serve, stop when told.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App as ActixApp, HttpServer};
use rackgen::build::BuildOptions;
use rackgen::error::{At, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::App;
use crate::config::DaemonSettings;
use crate::intake::staging;
use crate::metrics::Metrics;
use crate::reload::Reloader;
use crate::{log, publish, routes};

/// What is in flight at a stop has so many seconds to end.
const GRACE: u64 = 10;

/// Runs until a signal says stop.
pub(crate) async fn run(settings: DaemonSettings) -> Result<()> {
    log::start(&settings.log)?;
    let addresses = settings.listen.clone();
    let access_source = settings.access_source.clone();
    let app = App::new(settings, Metrics::new()?);
    // Blocking, and meant to be: nobody is served before the trees are whole.
    complete(&app)?;

    let listener = TcpListener::bind(&addresses[..]).at("listen on", "the address".as_ref())?;
    let address = listener
        .local_addr()
        .at("listen on", "the address".as_ref())?;
    let app = Arc::new(app);
    let reloader = Reloader::start(app.clone(), access_source)?;
    let app = Data::from(app);
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(app.clone())
            .default_service(web::to(routes::dispatch))
    })
    .listen(listener)
    .at("listen on", "the address".as_ref())?
    .disable_signals()
    .shutdown_timeout(GRACE)
    .run();
    let signals = Signals::catch().at("catch", "signals".as_ref())?;
    // A pipe that nobody reads any longer is no reason to stop.
    let _ = writeln!(std::io::stdout(), "listening on http://{address}");
    actix_web::rt::spawn(signals.obey(server.handle(), reloader));
    server.await.at("serve", "connections".as_ref())?;
    tracing::info!("stopped");
    Ok(())
}

/// Brings trees and source to where an earlier run was going, and to what hands changed meanwhile.
fn complete(app: &App) -> Result<()> {
    let registry = &app.registry;
    let access = app.access();
    {
        let _lock = registry.lock_source()?;
        publish::replay(registry, &access)?;
        staging::clear(registry.source())?;
    }
    let report = registry.build(&access, BuildOptions::default(), &|_| ())?;
    for problem in &report.problems {
        tracing::warn!("{problem}");
    }
    tracing::info!("{report}");
    Ok(())
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

    /// Reloads on SIGHUP, stops on the others.
    async fn obey(mut self, server: ServerHandle, reloader: Reloader) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hangup.recv() => reloader.ask(),
            }
        }
        tracing::info!("stopping");
        server.stop(true).await;
    }
}
