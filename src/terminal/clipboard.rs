//! The clipboard of the person at the terminal, by OSC 52: it passes SSH and tmux
//! (`set-clipboard`), and mosh in the form with selector `c`, which is the one used.

use std::io;

use super::guard::Guard;

/// Most bytes of base64 that terminals are known to accept in one go; k9s draws the line here too.
pub const COPY_MAX: usize = 74_994;

/// Why a text was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("{bytes} bytes are too many for the terminal's clipboard (at most {max}); copy less")]
    TooLong { bytes: usize, max: usize },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Sends the text; returns the bytes that went out.
pub(super) fn copy(guard: &Guard, text: &str) -> Result<usize, CopyError> {
    let sequence = sequence(text)?;
    guard.write(sequence.as_bytes())?;
    Ok(sequence.len())
}

fn sequence(text: &str) -> Result<String, CopyError> {
    let encoded = base64(text.as_bytes());
    if encoded.len() > COPY_MAX {
        return Err(CopyError::TooLong {
            bytes: text.len(),
            max: COPY_MAX / 4 * 3,
        });
    }
    Ok(format!("\x1b]52;c;{encoded}\x1b\\"))
}

/// RFC 4648 base64 with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            if place <= chunk.len() {
                let digit = (bits >> (18 - 6 * place)) & 63;
                out.push(char::from(DIGITS[digit as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_the_standard_says() {
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("\u{fff}?>", "4L+/Pz4="),
        ] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn nothing_of_the_text_reaches_the_terminal_as_it_is() {
        let sent = sequence("\x1b]0;pwn\x07").unwrap();
        assert_eq!(sent.matches('\x1b').count(), 2);
        assert!(!sent.contains('\x07'));
    }

    #[test]
    fn a_text_beyond_the_limit_is_refused() {
        assert!(sequence(&"x".repeat(COPY_MAX / 4 * 3)).is_ok());
        assert!(sequence(&"x".repeat(COPY_MAX / 4 * 3 + 3)).is_err());
    }
}
