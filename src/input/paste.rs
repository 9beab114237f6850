//! Pasted text between its two marks, with a limit, and safe against a mark inside it.
//!
//! A text that carries the end mark could end the paste early and have its rest typed as keys. So
//! a paste is held until the line is silent: everything from the first mark to the *last* end mark
//! of one burst is pasted text. Whatever follows the last one was typed.

/// Bytes kept; the rest is swallowed.
pub const PASTE_MAX: usize = 1 << 20;
/// Bytes kept behind an end mark; more than a burst of keys needs.
const TAIL_MAX: usize = 64 << 10;

const END: &[u8] = b"\x1b[201~";

#[derive(Debug, Default)]
pub(super) struct Paste {
    text: Vec<u8>,
    /// What came behind the last end mark, once there was one.
    tail: Option<Vec<u8>>,
    /// How many bytes of the end mark have just been seen; they are stored when it breaks off.
    seen: usize,
}

impl Paste {
    pub(super) fn is_closed(&self) -> bool {
        self.tail.is_some()
    }

    pub(super) fn push(&mut self, byte: u8) {
        if byte == END[self.seen] {
            self.seen += 1;
            if self.seen == END.len() {
                self.close();
            }
            return;
        }
        let partial = std::mem::take(&mut self.seen);
        self.store(&END[..partial]);
        if byte == END[0] {
            self.seen = 1;
        } else {
            self.store(&[byte]);
        }
    }

    fn close(&mut self) {
        self.seen = 0;
        if let Some(between) = self.tail.replace(Vec::new()) {
            let room = PASTE_MAX.saturating_sub(self.text.len());
            self.text.extend(between.into_iter().take(room));
        }
    }

    fn store(&mut self, bytes: &[u8]) {
        let (place, limit) = match &mut self.tail {
            Some(tail) => (tail, TAIL_MAX),
            None => (&mut self.text, PASTE_MAX),
        };
        let room = limit.saturating_sub(place.len());
        place.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The text, and the bytes behind it that are still to be decoded.
    pub(super) fn finish(mut self) -> (String, Vec<u8>) {
        let partial = std::mem::take(&mut self.seen);
        self.store(&END[..partial]);
        let cut = match std::str::from_utf8(&self.text) {
            // The limit fell into a character.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.text.len(),
        };
        self.text.truncate(cut);
        let text = String::from_utf8_lossy(&self.text)
            .replace("\x1b[200~", "")
            .replace("\r\n", "\n")
            .replace('\r', "\n");
        (text, self.tail.unwrap_or_default())
    }
}
