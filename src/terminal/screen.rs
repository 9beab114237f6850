//! The screen: ratatui over a buffer, a frame sent as one write inside a synchronised update.
//!
//! The size comes from our own terminal and the cursor's place is remembered, because crossterm
//! would ask the terminal and read the answer from under the input thread.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::{Frame, Terminal};

use super::guard::Guard;
use super::modes::{BEGIN_FRAME, END_FRAME};

/// A full frame of a large window with colours is about this long.
const FRAME_BYTES: usize = 64 << 10;

/// Collects what ratatui writes; its many flushes do nothing.
#[derive(Clone, Default)]
struct FrameWriter(Arc<Mutex<Vec<u8>>>);

impl FrameWriter {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for FrameWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|buffer| buffer.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct Screen {
    ratatui: Terminal<Buffered>,
    frame: FrameWriter,
    guard: Arc<Guard>,
    repaint: bool,
}

impl Screen {
    pub(super) fn new(guard: Arc<Guard>) -> io::Result<Self> {
        let frame = FrameWriter::default();
        frame.with(|buffer| buffer.reserve(FRAME_BYTES));
        let ratatui = Terminal::new(Buffered {
            inner: CrosstermBackend::new(frame.clone()),
            guard: Arc::clone(&guard),
            cursor: Position::ORIGIN,
        })?;
        Ok(Self {
            ratatui,
            frame,
            guard,
            repaint: true,
        })
    }

    pub(super) fn repaint(&mut self) {
        self.repaint = true;
    }

    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.frame.with(|buffer| {
            buffer.clear();
            buffer.extend_from_slice(BEGIN_FRAME);
        });
        if self.guard.take_stale() || std::mem::take(&mut self.repaint) {
            self.ratatui.clear()?;
        }
        self.ratatui.draw(render)?;
        self.frame.with(|buffer| {
            buffer.extend_from_slice(END_FRAME);
            let sent = self.guard.write(buffer);
            // A frame that was cut leaves the screen unknown.
            self.repaint = sent.is_err();
            sent
        })
    }
}

/// Crossterm's drawing without its questions to the terminal.
struct Buffered {
    inner: CrosstermBackend<FrameWriter>,
    guard: Arc<Guard>,
    cursor: Position,
}

impl Backend for Buffered {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.cursor = position.into();
        self.inner.set_cursor_position(self.cursor)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.inner.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        let (width, height) = self.guard.size();
        Ok(Size { width, height })
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size()?,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
