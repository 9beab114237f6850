//! The panic hook: restores the terminal before the message is printed, so that it can be read.
//!
//! Only for the thread that draws. Another thread's panic is caught and shown by whoever supervises
//! it; it is logged and the screen stays.

use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::Arc;

use super::guard::Guard;
use crate::text::safe_lines;

type Previous = dyn Fn(&PanicHookInfo<'_>) + Sync + Send;

/// Dropping it brings the earlier hook back.
pub(super) struct Hook {
    previous: Arc<Previous>,
}

impl Hook {
    pub(super) fn install(guard: Arc<Guard>) -> Self {
        let previous: Arc<Previous> = Arc::from(take_hook());
        let drawing = std::thread::current().id();
        set_hook(Box::new(move |panic| {
            let message = describe(panic);
            if std::thread::current().id() == drawing {
                guard.leave();
                eprintln!("{message}");
            } else {
                tracing::error!(target: "midwatch::panic", "{message}");
            }
        }));
        Self { previous }
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        // The hook cannot be changed while its thread unwinds.
        if !std::thread::panicking() {
            let previous = Arc::clone(&self.previous);
            set_hook(Box::new(move |panic| previous(panic)));
        }
    }
}

/// Message and place, with nothing in it that a terminal would obey.
fn describe(panic: &PanicHookInfo<'_>) -> String {
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic
        .location()
        .map_or_else(String::new, |location| format!(" at {location}"));
    safe_lines(&format!("midwatch stopped by a defect{place}: {message}"))
}
