//! A proxy to the provider that can hold requests.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pipeline_tui::simulate::Server;

use super::terminal::LIMIT;

/// A gate that is open until it is closed. The program waits ten seconds for an answer: while the gate
/// is closed, wait only for what is sure to come sooner.
pub struct Gate {
    address: SocketAddr,
    bar: Arc<Bar>,
}

#[derive(Default)]
struct Bar {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_closed: bool,
    /// Requests that wait.
    held: usize,
}

impl Gate {
    pub fn before(server: &Server) -> Self {
        let url = url::Url::parse(&server.base_url()).unwrap();
        let behind = SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bar = Arc::<Bar>::default();
        std::thread::spawn({
            let bar = Arc::clone(&bar);
            move || {
                for client in listener.incoming().flatten() {
                    let bar = Arc::clone(&bar);
                    std::thread::spawn(move || lead(client, behind, &bar));
                }
            }
        });
        Self { address, bar }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/query", self.address)
    }

    /// Holds every request from now on.
    pub fn close(&self) {
        self.bar.state().is_closed = true;
    }

    /// Waits until a request is held.
    #[track_caller]
    pub fn until_held(&self) {
        let (state, waited) = self
            .bar
            .changed
            .wait_timeout_while(self.bar.state(), LIMIT, |state| state.held == 0)
            .unwrap_or_else(PoisonError::into_inner);
        drop(state);
        assert!(!waited.timed_out(), "no request came");
    }

    /// Lets through what was held, and every further request.
    pub fn open(&self) {
        self.bar.state().is_closed = false;
        self.bar.changed.notify_all();
    }
}

impl Bar {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once the gate is open.
    fn pass(&self) {
        let mut state = self.state();
        state.held += 1;
        self.changed.notify_all();
        let mut state = self
            .changed
            .wait_while(state, |state| state.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.held -= 1;
    }
}

/// Connects to the provider: requests go through the gate, answers at once.
fn lead(mut client: TcpStream, behind: SocketAddr, bar: &Bar) {
    let mut server = TcpStream::connect(behind).unwrap();
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut request = vec![0; 1 << 16];
    while let Ok(count @ 1..) = client.read(&mut request) {
        bar.pass();
        if server.write_all(&request[..count]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}
