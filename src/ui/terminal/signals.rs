//! The signals that the panel receives.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that the panel acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalEvent {
    /// End, with the signal's exit code.
    End(u8),
    /// Restore the terminal and stop.
    Stop,
    /// Continue after a stop.
    Continue,
}

/// Listens for signals.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    quit: Signal,
    stop: Signal,
    go_on: Signal,
}

impl Signals {
    /// Starts listening.
    pub fn new() -> io::Result<Self> {
        let listen = |number: i32| signal(SignalKind::from_raw(number));
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            stop: listen(rustix::process::Signal::TSTP.as_raw())?,
            go_on: listen(rustix::process::Signal::CONT.as_raw())?,
        })
    }

    /// Completes at the next signal.
    pub async fn next(&mut self) -> SignalEvent {
        tokio::select! {
            _ = self.terminate.recv() => SignalEvent::End(0),
            _ = self.interrupt.recv() => SignalEvent::End(130),
            _ = self.hangup.recv() => SignalEvent::End(129),
            _ = self.quit.recv() => SignalEvent::End(131),
            _ = self.stop.recv() => SignalEvent::Stop,
            _ = self.go_on.recv() => SignalEvent::Continue,
        }
    }
}
