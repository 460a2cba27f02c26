use traveladvisor_domain::bus::Version;
use traveladvisor_domain::context::Context;

use super::*;

/// A file in which hotels have a log of their own.
const HOTEL_APART: &str =
    "[logs.hotel]\n[logs.read]\nschema = \"read_models\"\n[kafka]\nbrokers = \"127.0.0.1:9092\"\n";

fn with_roles(roles: &[Role]) -> Overrides {
    Overrides { roles: roles.to_vec(), ..Overrides::default() }
}

#[test]
fn without_roles_one_process_does_everything_on_one_log() {
    with("", &[], || {
        let config = Config::load(Overrides::default()).expect("defaults");
        assert!(Role::ALL.into_iter().all(|role| config.has(role)));
        assert!(Context::ALL.into_iter().all(|context| config.decides(context)));
        assert!(!config.logs.are_several());
    });
}

#[test]
fn roles_come_from_the_command_line_before_the_environment_before_the_file() {
    let given = |file: &str, variables: &[(&str, &str)], overrides: &[Role]| {
        let mut found = Vec::new();
        with(file, variables, || found = Config::load(with_roles(overrides)).expect("settings").roles);
        found
    };
    let (file, variable) = ("roles = [\"car\"]", ("TRAVELADVISOR_ROLES", "flight, relay"));
    assert_eq!(given(file, &[], &[]), [Role::Car]);
    assert_eq!(given(file, &[variable], &[]), [Role::Flight, Role::Relay]);
    assert_eq!(given(file, &[("TRAVELADVISOR_ROLES", "[\"hotel\"]")], &[]), [Role::Hotel]);
    assert_eq!(given(file, &[variable], &[Role::Member]), [Role::Member]);
}

#[test]
fn a_process_listens_on_the_port_of_its_first_role() {
    for (roles, port) in [(&[Role::Hotel, Role::Car][..], 9500), (&[Role::Projections], 9800), (&[], 8072)] {
        with("", &[], || {
            let config = Config::load(with_roles(roles)).expect("settings");
            assert_eq!(config.listens_on().to_string(), format!("127.0.0.1:{port}"));
        });
    }
}

#[test]
fn a_role_of_any_context_on_a_log_decides_for_all_that_share_it() {
    with(HOTEL_APART, &[], || {
        let config = Config::load(with_roles(&[Role::Car])).expect("settings");
        assert!(config.decides(Context::Car) && config.decides(Context::Booking));
        assert!(!config.decides(Context::Hotel));
        assert_eq!(config.logs.of(Context::Hotel), Context::Hotel);
        assert_eq!(config.logs.of(Context::Payment), Context::Booking);
    });
}

#[test]
fn places_of_logs_come_from_the_environment_as_well() {
    let variables = [
        ("TRAVELADVISOR_LOGS_MEMBER_SCHEMA", "people"),
        ("TRAVELADVISOR_LOGS_MEMBER_URL", "postgres://user:open-sesame@host/db"),
        ("TRAVELADVISOR_LOGS_READ_SCHEMA", "read_models"),
        ("TRAVELADVISOR_KAFKA_BROKERS", "one:9092,two:9092"),
        ("TRAVELADVISOR_KAFKA_OUTBOX", "debezium"),
        ("TRAVELADVISOR_KAFKA_MESSAGE_VERSION", "1"),
    ];
    with("", &variables, || {
        let config = Config::load(Overrides::default()).expect("settings");
        assert!(!format!("{config:?}").contains("open-sesame"));
        assert_eq!(config.logs.member.as_ref().map(|member| member.schema("member")), Some("people"));
        assert_eq!(config.logs.own().collect::<Vec<_>>(), [Context::Member]);
        assert_eq!(config.kafka.outbox, Outbox::Debezium);
        assert_eq!(config.kafka.message_version, Version::One);
    });
}

#[test]
fn what_does_not_fit_together_is_told_with_what_to_do() {
    let (kafka, read) = ("[kafka]\nbrokers = \"b:1\"\n", "[logs.read]\n");
    for (file, sentence) in [
        (format!("{read}[logs.hotel]\n"), "set kafka.brokers"),
        (format!("{kafka}[logs.hotel]\n"), "add [logs.read]"),
        (format!("{kafka}{read}"), "such as [logs.hotel]"),
        (format!("{kafka}{read}[logs.hotel]\nschema = \"Hotel\"\n"), "logs.hotel.schema is no name"),
        (format!("{kafka}{read}[logs.hotel]\nschema = \"pg_hotel\"\n"), "logs.hotel.schema is no name"),
        (format!("{kafka}{read}[logs.hotel]\nschema = \"x\"\n[logs.car]\nschema = \"x\"\n"), "a schema of its own"),
        (format!("{kafka}{read}[logs.hotel]\nschema = \"public\"\n"), "where the log of bookings is"),
        (format!("{kafka}[logs.hotel]\n[logs.read]\nschema = \"public\"\n"), "where the log of bookings is"),
        (
            format!(
                "database_url = \"postgres://b\"\n{kafka}{read}[logs.hotel]\nschema = \"x\"\n[logs.car]\nschema = \"x\"\nurl = \"postgres://b\"\n"
            ),
            "a schema of its own",
        ),
        (format!("{kafka}{read}[logs.booking]\n"), "booking"),
        ("[kafka]\nbrokers = \"b\"".to_owned(), "write host:port"),
        ("[kafka]\noutbox = \"post\"".to_owned(), "post"),
        ("[kafka]\ntopic_prefix = \"a/b\"".to_owned(), "kafka.topic_prefix"),
        ("[kafka]\nslot_prefix = \"A-slot\"".to_owned(), "kafka.slot_prefix"),
        (format!("[kafka]\nslot_prefix = \"{}\"", "x".repeat(60)), "kafka.slot_prefix"),
        ("[kafka]\nmessage_version = 9".to_owned(), "version 9"),
        ("[services]\nhotel = \"http://hotel.example:1\"".to_owned(), "services.private_network = true"),
        ("[services]\ntoken = \"short\"".to_owned(), "services.token is too short"),
        ("roles = [\"pilot\"]".to_owned(), "there is no role `pilot`"),
        ("roles = [\"car\", \"relay\", \"car\"]".to_owned(), "the role car is named twice"),
    ] {
        with(&file, &[], || {
            let told = error(Overrides::default());
            assert!(told.contains(sentence), "{file}: {told}");
        });
    }
    let apart =
        format!("{kafka}{read}[logs.hotel]\nschema = \"x\"\n[logs.car]\nschema = \"x\"\nurl = \"postgres://b\"\n");
    with(&apart, &[], || drop(Config::load(Overrides::default()).expect("the same name in another database")));
}

#[test]
fn the_gateway_has_to_know_where_commands_go() {
    let api = || with_roles(&[Role::Api]);
    with("", &[], || assert!(error(api()).contains("set services.booking")));
    with(HOTEL_APART, &[("TRAVELADVISOR_ROLES", "api,booking")], || {
        let told = error(Overrides::default());
        assert!(told.contains("set services.hotel, for example to \"http://127.0.0.1:9500\""), "{told}");
    });
    let everybody = "http://127.0.0.1:1, http://127.0.0.1:2";
    let services: Vec<(String, &str)> = ["BOOKING", "HOTEL", "FLIGHT", "CAR", "MEMBER"]
        .map(|role| (format!("TRAVELADVISOR_SERVICES_{role}"), everybody))
        .to_vec();
    let services: Vec<(&str, &str)> = services.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    with("", &services, || {
        let config = Config::load(api()).expect("settings");
        assert_eq!(config.services.of(Context::Car), ["http://127.0.0.1:1", "http://127.0.0.1:2"]);
        assert!(config.services.of(Context::Payment).is_empty());
    });
}

#[test]
fn commands_are_taken_without_a_token_from_this_machine_and_in_development_only() {
    let issuer = [("TRAVELADVISOR_AUTH_ISSUER", "https://id.example/realm"), ("TRAVELADVISOR_AUTH_AUDIENCE", "api")];
    with("", &issuer, || assert!(error(with_roles(&[Role::Hotel])).contains("services.token is missing")));
    with("", &issuer, || drop(Config::load(with_roles(&[Role::Projections])).expect("nobody sends it commands")));
    with("", &issuer, || drop(Config::load(Overrides::default()).expect("one process sends itself nothing")));
    let token = ("TRAVELADVISOR_SERVICES_TOKEN", "0123456789abcdef0123456789abcdef");
    with("", &[issuer[0], issuer[1], token], || {
        let config = Config::load(with_roles(&[Role::Hotel])).expect("settings");
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
    });
}
