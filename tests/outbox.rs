//! The setting `kafka.outbox`, as who operates an installation meets it.

use std::fs;

use crate::support::{Home, code, told};

/// Hotels have a log of their own, and nobody is there to send for it.
const SETTINGS: &str = "[logs.hotel]\n[logs.read]\nschema = \"read_models\"\n[kafka]\nbrokers = \"127.0.0.1:1\"\n";

#[test]
fn a_connector_is_not_put_in_the_relays_place_while_that_has_something_to_send() {
    let home = Home::new();
    fs::write(home.file("traveladvisor.toml"), SETTINGS).expect("written");
    let imported = home.import_a_hotel(&[]);
    assert_eq!(code(&imported), 0, "{}", told(&imported));
    let refused = home.import_a_hotel(&[("TRAVELADVISOR_KAFKA_OUTBOX", "debezium")]);
    assert_eq!(code(&refused), 2, "{}", told(&refused));
    let said = told(&refused);
    assert!(said.contains("kafka.outbox") && said.contains("start it with `relay` until"), "{said}");
}
