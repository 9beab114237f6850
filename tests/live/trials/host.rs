//! This machine twice: read in process, and through a real node_exporter.

use libtest_mimic::Failed;
use midwatch::facts::{ClockOffset, Cpu, KernelClock, Memory, Mount, Os};
use midwatch::subject::Subject;
use tempfile::TempDir;

use crate::Row;
use crate::programs::Program::NodeExporter;
use crate::servers::{Running, found, free_port};
use crate::target::Target;
use crate::watch::Watch;

pub const ROWS: &[Row] = &[Row {
    name: "host::local_and_node_exporter_agree_on_one_machine",
    needs: &[NodeExporter],
    run: agree,
}];

fn agree() -> Result<(), Failed> {
    let folder = TempDir::with_prefix("midwatch-host-")?;
    let address = format!("127.0.0.1:{}", free_port()?);
    let program = found(NodeExporter)?;
    let listen = [format!("--web.listen-address={address}")];
    let _running = Running::start(&program, listen, folder.path(), "exporter.log")?;
    let targets = [
        Target::new("local", "inside"),
        Target::new("node-exporter", "outside").text("address", address),
    ];
    let (inside, outside) = (Subject::host("inside"), Subject::host("outside"));
    let mut watch = Watch::new(&targets)?;
    watch.until("both tell the memory", |snapshot| {
        [&inside, &outside]
            .iter()
            .all(|host| snapshot.fresh::<Memory>(host).is_ok())
    })?;

    let (own, scraped): (Os, Os) = (watch.fact(&inside)?, watch.fact(&outside)?);
    assert_eq!(
        (
            &own.hostname,
            &own.name,
            &own.kernel,
            &own.machine,
            own.boot_at
        ),
        (
            &scraped.hostname,
            &scraped.name,
            &scraped.kernel,
            &scraped.machine,
            scraped.boot_at
        )
    );
    let (own, scraped): (Memory, Memory) = (watch.fact(&inside)?, watch.fact(&outside)?);
    assert_eq!(own.total, scraped.total);
    let (own, scraped): (Cpu, Cpu) = (watch.fact(&inside)?, watch.fact(&outside)?);
    assert_eq!(own.cores, scraped.cores);
    let (own, scraped): (KernelClock, KernelClock) = (watch.fact(&inside)?, watch.fact(&outside)?);
    assert_eq!((own.synced, own.tai), (scraped.synced, scraped.tai));
    let root = |host| Subject::mount(host, "/");
    let own: Mount = watch.fact(&root("inside"))?;
    let scraped: Mount = watch.fact(&root("outside"))?;
    assert_eq!(
        (own.device, own.size, own.files),
        (scraped.device, scraped.size, scraped.files)
    );

    // One machine has one clock: the bounds must hold zero, and be no wider than the exchange.
    let clock: ClockOffset = watch.fact(&outside)?;
    assert_eq!(clock.offset.at_least(), 0.0, "{clock:?}");
    assert!(clock.offset.error() <= clock.round_trip, "{clock:?}");
    Ok(())
}
