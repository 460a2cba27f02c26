//! The header `Accept` (RFC 9110, 12.5.1): which of several media types a caller wants most.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// What stands in `Accept`, in its order.
pub(super) struct Accept {
    ranges: Vec<Range>,
}

struct Range {
    media: String,
    quality: f32,
}

/// How closely a range names a media type: by a wildcard, by its kind, by itself.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Closeness {
    Anything,
    Kind,
    Itself,
}

/// How welcome a media type is: by its quality, then by how closely it is named, then by who is named first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Welcome {
    quality: f32,
    closeness: Closeness,
    /// How many ranges stand behind the one that decides.
    ahead_of: usize,
}

impl Accept {
    /// All headers of this name are one list.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).iter();
        let listed = values.flat_map(|value| value.to_str().unwrap_or("unreadable").split(','));
        Self { ranges: listed.filter(|range| !range.trim().is_empty()).map(Range::of).collect() }
    }

    /// Whether the caller leaves the choice to us.
    pub(super) fn says_nothing(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The most welcome of what is offered, by its place; of equals the first. None when none is welcome.
    pub(super) fn best(&self, offered: &[&str]) -> Option<usize> {
        let mut best: Option<(usize, Welcome)> = None;
        for (place, media) in offered.iter().enumerate() {
            let Some(welcome) = self.welcome(media).filter(|welcome| welcome.quality > 0.0) else { continue };
            if best.is_none_or(|(_, other)| welcome > other) {
                best = Some((place, welcome));
            }
        }
        best.map(|(place, _)| place)
    }

    /// The closest range decides, wherever it stands.
    fn welcome(&self, media: &str) -> Option<Welcome> {
        let mut deciding: Option<Welcome> = None;
        for (place, range) in self.ranges.iter().enumerate() {
            let Some(closeness) = range.closeness(media) else { continue };
            if deciding.is_none_or(|other| closeness > other.closeness) {
                deciding = Some(Welcome { quality: range.quality, closeness, ahead_of: self.ranges.len() - place });
            }
        }
        deciding
    }
}

impl Range {
    /// With another charset than ours, or a quality that is none, nothing is welcome.
    fn of(text: &str) -> Self {
        let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
        let media = parts.next().unwrap_or_default();
        let mut quality = 1.0;
        for part in parts {
            match part.split_once('=') {
                Some(("q", weight)) => quality = weight.parse().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0),
                Some(("charset", charset)) if !is_utf_8(charset) => quality = 0.0,
                _ => {}
            }
        }
        Self { media, quality }
    }

    fn closeness(&self, media: &str) -> Option<Closeness> {
        match self.media.split_once('/') {
            Some(("*", "*")) => Some(Closeness::Anything),
            Some((kind, "*")) => media.strip_prefix(kind)?.starts_with('/').then_some(Closeness::Kind),
            _ => (self.media == media).then_some(Closeness::Itself),
        }
    }
}

/// Whether a charset's name, perhaps in quotes, is that of UTF-8.
pub(super) fn is_utf_8(charset: &str) -> bool {
    charset.trim_matches('"').eq_ignore_ascii_case("utf-8")
}
