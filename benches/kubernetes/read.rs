//! The list as a program reads it that does nothing else: the yardstick of the console's loading.

use std::io::{Error, Result};
use std::time::Duration;

use http_body_util::BodyExt;
use memchr::memmem;
use midwatch::clock;

use crate::link::{Door, PROTOBUF};

/// What a reading took.
pub struct Reading {
    pub took: Duration,
    pub bytes: usize,
}

/// All pods in pages of 500, as kubectl asks for them, in protobuf and without compression.
pub async fn in_pages(door: &Door) -> Result<Reading> {
    let mut link = door.open().await?;
    let began = clock::stamp();
    let (mut bytes, mut next) = (0, String::new());
    loop {
        let path = format!("/api/v1/pods?limit=500&continue={next}");
        let answer = link.get(&path, PROTOBUF).await?;
        if !answer.status().is_success() {
            return Err(Error::other(format!("{path}: {}", answer.status())));
        }
        let page = answer.into_body().collect().await.map_err(Error::other)?;
        let page = page.to_bytes();
        bytes += page.len();
        next = continuation(&page).ok_or_else(|| Error::other("no list"))?;
        if next.is_empty() {
            let took = clock::stamp().since(began);
            return Ok(Reading { took, bytes });
        }
    }
}

/// All pods as the beginning of a watch.
pub async fn streamed(door: &Door) -> Result<Reading> {
    let mut link = door.open().await?;
    let began = clock::stamp();
    let path = "/api/v1/pods?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan\
                &allowWatchBookmarks=true";
    let accept = format!("{PROTOBUF};stream=watch");
    let answer = link.get(path, &accept).await?;
    if !answer.status().is_success() {
        return Err(Error::other(format!("{path}: {}", answer.status())));
    }
    let (mut body, mut bytes) = (answer.into_body(), 0);
    // A frame can be cut anywhere: the end of the one before is looked at again.
    let mut kept: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Error::other)?;
        let Some(part) = frame.data_ref() else {
            continue;
        };
        bytes += part.len();
        kept.extend_from_slice(part);
        if memmem::find(&kept, b"k8s.io/initial-events-end").is_some() {
            let took = clock::stamp().since(began);
            return Ok(Reading { took, bytes });
        }
        kept.drain(..kept.len().saturating_sub(64));
    }
    Err(Error::other("the stream ended before the list did"))
}

/// The token of the next page, empty behind the last one: `k8s\0`, then `Unknown.raw` (2), in it
/// `PodList.metadata` (1), in it `continue` (3).
fn continuation(answer: &[u8]) -> Option<String> {
    let list = field(answer.strip_prefix(b"k8s\0")?, 2)?;
    let token = field(field(list, 1)?, 3).unwrap_or_default();
    Some(String::from_utf8_lossy(token).into_owned())
}

/// The first field of this number that has a length.
fn field(mut message: &[u8], wanted: u64) -> Option<&[u8]> {
    while !message.is_empty() {
        let key = varint(&mut message)?;
        match key & 7 {
            0 => {
                varint(&mut message)?;
            }
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                let (content, rest) = message.split_at_checked(length)?;
                if key >> 3 == wanted {
                    return Some(content);
                }
                message = rest;
            }
            _ => return None,
        }
    }
    None
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for at in 0..10 {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
