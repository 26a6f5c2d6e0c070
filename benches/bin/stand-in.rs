//! A stand-in for a broker: `stand-in ROLE SHAPE CODEC BATCH PARTITIONS VOLUME`, where the role is `replay`,
//! `replay-tls` or `sink`.

use std::{env, net::TcpListener, sync::Arc};

use kavka_benches::{
    Recording, Result, Shape,
    server::{Broker, Replay, Sink, serve},
};
use kavka_protocol::Compression;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [role, shape, codec, batch_size, partitions, volume] = &arguments[..] else {
        return Err("six arguments are needed".into());
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, partitions) = (listener.local_addr()?, partitions.parse()?);
    let broker: Arc<dyn Broker> = match &**role {
        "sink" => Arc::new(Sink::new(address, partitions)),
        _ => {
            let shape = Shape::named(shape).ok_or("no such shape")?;
            let codec = Compression::ALL.into_iter().find(|known| known.name() == codec);
            let recording = Recording::make(
                shape,
                codec.ok_or("no such codec")?,
                batch_size.parse()?,
                partitions,
                volume.parse()?,
            )?;
            Arc::new(Replay::new(address, recording))
        }
    };
    serve(listener, broker, role.ends_with("-tls"))
}
