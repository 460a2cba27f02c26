//! Finds the files of a catalogue and recognises their kinds.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{CatalogError, Line, campaigns, cars, flights, hotels, json_lines, new_york};

/// Most bytes of one file.
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Levels of folders that are looked through: the folder itself and those in it.
pub const FOLDER_DEPTH_MAX: usize = 2;

/// The files that the program carries, under the names that errors show.
const EMBEDDED: [(&str, &str); 5] = [
    ("hotel.init-data.sql", include_str!("../../../infra/seed-data/traveladvisor-ota/hotel.init-data.sql")),
    ("flight.init-data.sql", include_str!("../../../infra/seed-data/traveladvisor-ota/flight.init-data.sql")),
    ("car.init-data.sql", include_str!("../../../infra/seed-data/traveladvisor-ota/car.init-data.sql")),
    ("payment.init-data.sql", include_str!("../../../infra/seed-data/traveladvisor-ota/payment.init-data.sql")),
    ("flights_2013_01_week1.csv", include_str!("../../../infra/seed-data/nycflights13/flights_2013_01_week1.csv")),
];

/// Reads one kind of source: its text into numbered items or reasons.
type Reader = fn(&str) -> Vec<Numbered>;

/// A line's number and what it holds.
pub(super) type Numbered = (u64, Result<super::CatalogueItem, String>);

/// The lines of the files that the program carries.
pub(super) fn embedded() -> Vec<Line> {
    EMBEDDED.into_iter().flat_map(|(name, text)| parsed(Path::new(name), text).unwrap_or_default()).collect()
}

/// The lines of a file, or of every file of a folder that is understood.
pub(super) fn lines_of(path: &Path) -> Result<Vec<Line>, CatalogError> {
    let not_understood = || CatalogError::NotUnderstood { path: path.to_owned() };
    if path.is_file() {
        return parsed(path, &contents(path)?).ok_or_else(not_understood);
    }
    let mut lines = None;
    for file in files_below(path, FOLDER_DEPTH_MAX)? {
        if let Some(more) = parsed(&file, &contents(&file)?) {
            lines.get_or_insert_with(Vec::new).extend(more);
        }
    }
    lines.ok_or_else(not_understood)
}

/// The files of a folder that could be understood by the end of their names, in the order of their paths.
fn files_below(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, CatalogError> {
    let unreadable = |source| CatalogError::Unreadable { path: folder.to_owned(), source };
    let mut paths = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>())
        .map_err(unreadable)?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() && depth > 1 {
            files.extend(files_below(&path, depth - 1)?);
        } else if path.is_file() && ["sql", "csv", "jsonl"].iter().any(|end| ends_with(&path, end)) {
            files.push(path);
        }
    }
    Ok(files)
}

/// The file as text. Bytes that are no UTF-8 become U+FFFD, which the readers refuse line by line.
fn contents(path: &Path) -> Result<String, CatalogError> {
    let unreadable = |source| CatalogError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(CatalogError::TooLarge { path: path.to_owned() });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parsed(path: &Path, text: &str) -> Option<Vec<Line>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file = path.display().to_string();
    let lines = reader_of(path, text)?(text);
    Some(lines.into_iter().map(|(line, item)| Line { file: file.clone(), line, item }).collect())
}

/// The kind of a file, by its name and by what stands in it.
fn reader_of(path: &Path, text: &str) -> Option<Reader> {
    if ends_with(path, "jsonl") {
        return Some(json_lines::read);
    }
    if text.lines().next().is_some_and(|first| first.trim_end() == new_york::HEADER) {
        return Some(new_york::read);
    }
    let name = path.file_name()?.to_str()?;
    let kinds: [(&str, &str, Reader); 4] = [
        ("hotel.init-data.sql", "INSERT INTO hotel.hotels", hotels::read),
        ("flight.init-data.sql", "INSERT INTO flight.flight_offers", flights::read),
        ("car.init-data.sql", "INSERT INTO car.car_offers", cars::read),
        ("payment.init-data.sql", "INSERT INTO event.events", campaigns::read),
    ];
    let known = kinds.into_iter().find(|(file, insert, _)| name == *file || text.contains(insert));
    known.map(|(_, _, reader)| reader)
}

fn ends_with(path: &Path, end: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(end))
}
