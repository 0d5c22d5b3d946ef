//! Answers for the sandbox to give in place of its own.

use tieline_sandbox::Act;

/// A scripted answer with a content type.
pub fn answer(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Act {
    Act::Answer {
        status,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: body.into(),
    }
}

/// A scripted answer of JSON.
pub fn json(status: u16, body: &str) -> Act {
    answer(status, "application/json", body)
}

/// A scripted answer of nothing but a status and when to come back.
pub fn come_back_in(status: u16, seconds: u32) -> Act {
    Act::Answer {
        status,
        headers: vec![("retry-after".to_owned(), seconds.to_string())],
        body: Vec::new(),
    }
}
