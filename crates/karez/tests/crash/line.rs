//! A line to a server that a test can cut: whoever goes through it meets the server, nobody, or silence.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Through,
    /// Every connection ends at once.
    Cut,
    /// Connections are taken, and nothing is ever answered.
    Silent,
}

/// It ends with the runtime.
pub struct Line {
    /// Where it begins, as `http://host:port`.
    pub address: String,
    state: watch::Sender<State>,
}

impl Line {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (state, seen) = watch::channel(State::Through);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, seen.clone()));
            }
        });
        Self { address, state }
    }

    /// Also for what is under way.
    pub fn is(&self, state: State) {
        self.state.send_replace(state);
    }
}

async fn carry(mut client: TcpStream, server: SocketAddr, mut state: watch::Receiver<State>) {
    let now = *state.borrow_and_update();
    let carried = async {
        match now {
            State::Through => {
                if let Ok(mut server) = TcpStream::connect(server).await {
                    let _ended = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            }
            State::Cut => {}
            State::Silent => tokio::time::sleep(Duration::from_secs(3_600)).await,
        }
    };
    tokio::select! {
        () = carried => {}
        _ = state.changed() => {}
    }
    // What was begun before a silence is silent too.
    if now == State::Through && *state.borrow() == State::Silent {
        let _changed = state.changed().await;
    }
}
