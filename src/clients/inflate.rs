//! A body on its way to the sink: inflated where it is gzip, counted, and cut at the cap.
//!
//! Two limits: bytes after inflation, and a ratio that no honest text reaches (safety promise F2).

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use crate::observation::{Layer, Outage};
use crate::units::Bytes;

/// Inflated bytes from which the ratio is judged.
const RATIO_FROM: u64 = 1 << 20;
/// Largest honest ratio; exposition text reaches about 20.
const RATIO: u64 = 100;

/// Where inflated pieces go.
pub type Sink<'a> = &'a mut (dyn FnMut(&[u8]) + Send);

/// How the body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
}

/// A body being received.
pub struct Body<'a> {
    stage: Stage<'a>,
    what: String,
}

enum Stage<'a> {
    Identity(Capped<'a>),
    Gzip(Box<MultiGzDecoder<Capped<'a>>>),
}

/// The end of the pipe: counts, refuses, hands on.
struct Capped<'a> {
    sink: Sink<'a>,
    cap: u64,
    /// Bytes on the wire, so far.
    wire: u64,
    /// Bytes handed on, so far.
    out: u64,
    breach: Option<Breach>,
}

#[derive(Clone, Copy)]
enum Breach {
    Cap,
    Ratio,
}

impl<'a> Body<'a> {
    /// `what` names the body in errors, such as its path.
    pub fn new(encoding: Encoding, cap: u64, what: &str, sink: Sink<'a>) -> Self {
        let capped = Capped {
            sink,
            cap,
            wire: 0,
            out: 0,
            breach: None,
        };
        let stage = match encoding {
            Encoding::Identity => Stage::Identity(capped),
            Encoding::Gzip => Stage::Gzip(Box::new(MultiGzDecoder::new(capped))),
        };
        Self {
            stage,
            what: what.to_owned(),
        }
    }

    /// Takes a piece as it came from the wire.
    ///
    /// # Errors
    /// `too large` at the cap or the ratio, `protocol` where the gzip is broken.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Outage> {
        let result = match &mut self.stage {
            Stage::Identity(capped) => {
                capped.wire += piece.len() as u64;
                capped.write_all(piece)
            }
            Stage::Gzip(gzip) => {
                gzip.get_mut().wire += piece.len() as u64;
                gzip.write_all(piece)
            }
        };
        result.map_err(|error| self.outage(&error))
    }

    /// Ends the body: bytes on the wire, and bytes handed on.
    ///
    /// # Errors
    /// `protocol`, when a gzip stream is cut off or its checksum is wrong.
    pub fn finish(mut self) -> Result<(u64, u64), Outage> {
        if let Stage::Gzip(gzip) = &mut self.stage
            && gzip.get_ref().wire > 0
            && let Err(error) = gzip.try_finish()
        {
            return Err(self.outage(&error));
        }
        let capped = self.capped();
        Ok((capped.wire, capped.out))
    }

    fn capped(&self) -> &Capped<'a> {
        match &self.stage {
            Stage::Identity(capped) => capped,
            Stage::Gzip(gzip) => gzip.get_ref(),
        }
    }

    fn outage(&self, error: &io::Error) -> Outage {
        let Capped {
            cap, breach, wire, ..
        } = self.capped();
        match breach {
            Some(Breach::Cap) => too_large(&self.what, *cap),
            Some(Breach::Ratio) => Outage::new(
                Layer::TooLarge,
                format!(
                    "decompression bomb: {} on the wire of {} became more than {RATIO} times as much",
                    Bytes(*wire),
                    self.what
                ),
            )
            .hint("find out what answers there: no honest server compresses like that"),
            None => Outage::new(
                Layer::Protocol,
                format!("the gzip body of {} is broken or cut off: {error}", self.what),
            ),
        }
    }
}

/// The outage of a body beyond the cap, named by its path.
pub fn too_large(what: &str, cap: u64) -> Outage {
    Outage::new(
        Layer::TooLarge,
        format!(
            "the body of {what} is larger than the limit of {}",
            Bytes(cap)
        ),
    )
    .hint(format!(
        "raise max_body above {cap} if a body of this size is expected"
    ))
}

impl Write for Capped<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.breach.is_none() {
            let total = self.out + piece.len() as u64;
            if total > RATIO_FROM && total > self.wire.saturating_mul(RATIO) {
                self.breach = Some(Breach::Ratio);
            } else if total > self.cap {
                self.breach = Some(Breach::Cap);
            } else {
                self.out = total;
                (self.sink)(piece);
                return Ok(piece.len());
            }
        }
        Err(io::Error::other("refused"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    /// Feeds `wire` in pieces of `step` bytes; what came out, and the end.
    fn run(
        encoding: Encoding,
        cap: u64,
        wire: &[u8],
        step: usize,
    ) -> (Vec<u8>, Result<(u64, u64), Outage>) {
        let mut out = Vec::new();
        let mut sink = |piece: &[u8]| out.extend_from_slice(piece);
        let mut body = Body::new(encoding, cap, "/metrics", &mut sink);
        let pushed = wire.chunks(step).try_for_each(|piece| body.push(piece));
        let end = pushed.and_then(|()| body.finish());
        (out, end)
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut seed = 1_u32;
        let step = |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        };
        (0..length).map(step).collect()
    }

    #[test]
    fn members_of_a_gzip_stream_are_joined_whatever_the_pieces() {
        let mut wire = gzip(b"one ");
        wire.extend(gzip(b"two"));
        for step in [1, 7, wire.len()] {
            let (out, end) = run(Encoding::Gzip, 100, &wire, step);
            assert_eq!(out, b"one two");
            assert_eq!(end.unwrap(), (wire.len() as u64, 7));
        }
    }

    #[test]
    fn the_cap_counts_after_inflation_and_hands_nothing_on_beyond_it() {
        let plain = noise(5000);
        for (encoding, wire) in [
            (Encoding::Identity, plain.clone()),
            (Encoding::Gzip, gzip(&plain)),
        ] {
            let (out, end) = run(encoding, 4096, &wire, 500);
            let outage = end.unwrap_err();
            assert_eq!(outage.layer, Layer::TooLarge);
            assert!(outage.detail.contains("4.00 KiB"), "{outage}");
            assert!(outage.hint.unwrap().contains("max_body"));
            assert!(out.len() <= 4096);
        }
    }

    #[test]
    fn a_bomb_is_called_a_bomb_before_the_cap() {
        let wire = gzip(&vec![b'a'; 8 << 20]);
        let (out, end) = run(Encoding::Gzip, 16 << 20, &wire, 4096);
        let outage = end.unwrap_err();
        assert_eq!(outage.layer, Layer::TooLarge);
        assert!(outage.detail.contains("decompression bomb"), "{outage}");
        assert!(out.len() <= 2 << 20, "{} bytes got through", out.len());
    }

    #[test]
    fn a_cut_or_broken_gzip_stream_is_no_body() {
        let whole = gzip(b"node_load1 0.5\n");
        let mut broken = whole.clone();
        let last = broken.len() - 6;
        broken[last] ^= 0xff;
        for wire in [
            &whole[..whole.len() - 3],
            &whole[..12],
            &broken,
            b"plain text",
        ] {
            let outage = run(Encoding::Gzip, 100, wire, 5).1.unwrap_err();
            assert_eq!(outage.layer, Layer::Protocol);
            assert!(outage.detail.contains("/metrics"), "{outage}");
        }
    }

    #[test]
    fn an_empty_body_needs_no_gzip_frame() {
        assert_eq!(run(Encoding::Gzip, 100, b"", 1).1.unwrap(), (0, 0));
    }
}
