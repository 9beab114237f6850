//! What the program watches while it is measured: targets that are dead, and simulated exporters.
//!
//! All of it is on loopback and ends with this process.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use midwatch::clock;

const PAYLOAD: &str =
    include_str!("../../tests/fixtures/payloads/node-exporter/debian-12-1.5.0.txt");

/// Fifty targets, none of which answers.
pub struct Dead {
    pub config: String,
    /// They accept in the kernel and are never read.
    _holes: Vec<TcpListener>,
}

impl Dead {
    pub fn start() -> Result<Self> {
        let mut config = String::new();
        let (mut holes, mut closed) = (Vec::new(), Vec::new());
        for at in 0..20 {
            let refused = TcpListener::bind("127.0.0.1:0")?;
            let hole = TcpListener::bind("127.0.0.1:0")?;
            for (word, listener) in [("refused", &refused), ("hole", &hole)] {
                let address = listener.local_addr()?.to_string();
                target(&mut config, &format!("{word}-{at}"), &address);
            }
            holes.push(hole);
            closed.push(refused);
        }
        // Free from here on, and not reused among ourselves: they refuse.
        drop(closed);
        for at in 0..10 {
            let name = format!("nowhere-{at}");
            target(&mut config, &name, &format!("{name}.invalid:9100"));
        }
        Ok(Self {
            config,
            _holes: holes,
        })
    }
}

fn target(config: &mut String, name: &str, address: &str) {
    let _ = write!(
        config,
        "[[target]]\nkind = \"node-exporter\"\nname = \"{name}\"\naddress = \"{address}\"\n\
         period = \"10s\"\n\n"
    );
}

/// Servers that answer each scrape with the recorded payload, its counters moved on.
pub struct Exporters {
    pub config: String,
    served: Arc<AtomicU32>,
}

impl Exporters {
    pub fn start(count: usize) -> Result<Self> {
        let mut config = String::new();
        let served = Arc::new(AtomicU32::new(0));
        for at in 0..count {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let name = format!("worker-{at:03}");
            target(&mut config, &name, &listener.local_addr()?.to_string());
            let served = Arc::clone(&served);
            std::thread::spawn(move || {
                let mut scrapes = 0;
                for stream in listener.incoming().flatten() {
                    // The connection is kept; its end is no error.
                    let _ = serve(stream, at, &mut scrapes, &served);
                }
            });
        }
        Ok(Self { config, served })
    }

    /// Scrapes answered so far.
    pub fn served(&self) -> f64 {
        f64::from(self.served.load(Ordering::Relaxed))
    }
}

fn serve(stream: TcpStream, host: usize, scrapes: &mut u32, served: &AtomicU32) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut answers = stream.try_clone()?;
    let mut line = String::new();
    let mut requests = BufReader::new(stream);
    while requests.read_line(&mut line)? > 0 {
        let head_ends = line.trim().is_empty();
        line.clear();
        if !head_ends {
            continue;
        }
        *scrapes += 1;
        let body = payload(host, *scrapes);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        answers.write_all((head + &body).as_bytes())?;
        served.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// The payload at a scrape: counters further on by a share that is the host's own, and its clock
/// right.
fn payload(host: usize, scrape: u32) -> String {
    let share = f64::from(scrape) * f64::from(u32::try_from(host % 13).unwrap_or(0)) * 1e-6;
    let wall = clock::now().wall.as_duration().as_secs_f64();
    let mut out = String::with_capacity(PAYLOAD.len() + 1024);
    for line in PAYLOAD.lines() {
        let moved = line.rsplit_once(' ').filter(|_| !line.starts_with('#'));
        let moved = moved.and_then(|(series, value)| {
            let counter = series.split('{').next()?.ends_with("_total");
            match series {
                "node_time_seconds" => Some((series, wall)),
                _ if counter => Some((series, value.parse::<f64>().ok()? * (1.0 + share))),
                _ => None,
            }
        });
        let _ = match moved {
            Some((series, value)) => writeln!(out, "{series} {value}"),
            None => writeln!(out, "{line}"),
        };
    }
    out
}
