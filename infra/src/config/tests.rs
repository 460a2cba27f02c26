mod roles;

use figment::Jail;
use secrecy::ExposeSecret;
use traveladvisor_domain::money::{Currency, Money};

use super::*;

/// Runs a test in an empty directory with the file and the variables given and nothing else.
#[expect(clippy::result_large_err, reason = "the type of the jail's closure is figment's")]
fn with(file: &str, variables: &[(&str, &str)], test: impl FnOnce()) {
    Jail::expect_with(|jail| {
        jail.clear_env();
        if !file.is_empty() {
            jail.create_file(DEFAULT_FILE, file)?;
        }
        for (name, value) in variables {
            jail.set_env(name, value);
        }
        test();
        Ok(())
    });
}

fn error(overrides: Overrides) -> String {
    Config::load(overrides).expect_err("refused").to_string()
}

#[test]
fn nothing_has_to_be_set() {
    with("", &[], || {
        let config = Config::load(Overrides::default()).expect("defaults");
        assert_eq!(config.mode, Mode::Sandbox);
        assert_eq!(config.data_dir, Path::new(".traveladvisor"));
        assert_eq!(config.listens_on().to_string(), "127.0.0.1:8072");
        assert_eq!(config.log_level, "warn");
        assert!(config.database_url.is_none() && config.clock.is_none());
    });
}

#[test]
fn the_command_line_goes_before_the_environment_before_the_file() {
    let file = "data_dir = \"file\"\nlisten = \"127.0.0.1:1\"\nmode = \"production\"";
    let variables = [
        ("TRAVELADVISOR_DATA_DIR", "environment"),
        ("TRAVELADVISOR_LISTEN", "127.0.0.1:2"),
        ("TRAVELADVISOR_LOG", "debug"),
    ];
    with(file, &variables, || {
        let overrides = Overrides { data_dir: Some(PathBuf::from("command line")), ..Overrides::default() };
        let config = Config::load(overrides).expect("settings");
        assert_eq!(config.data_dir, Path::new("command line"));
        assert_eq!(config.listens_on().port(), 2);
        assert_eq!(config.mode, Mode::Production);
    });
}

#[test]
fn a_database_url_comes_from_the_environment_and_is_never_shown() {
    let url = "postgres://user:open-sesame@host/db";
    with("", &[("DATABASE_URL", url)], || {
        let config = Config::load(Overrides::default()).expect("settings");
        assert!(!format!("{config:?}").contains("open-sesame"));
        let read = config.database_url.expect("a URL");
        assert_eq!(read.expose_secret(), url);
    });
    with("", &[("DATABASE_URL", "")], || {
        let config = Config::load(Overrides::default()).expect("settings");
        assert!(config.database_url.is_none(), "empty counts as unset");
    });
}

#[test]
fn a_gateway_is_named_and_its_key_never_shown() {
    let variables =
        [("TRAVELADVISOR_GATEWAY_URL", "https://pay.example"), ("TRAVELADVISOR_GATEWAY_API_KEY", "open-sesame")];
    with("gateway_url = \"https://other.example\"", &variables, || {
        let config = Config::load(Overrides::default()).expect("settings");
        assert_eq!(config.gateway_url.as_deref(), Some("https://pay.example"));
        assert!(!format!("{config:?}").contains("open-sesame"));
        assert_eq!(config.gateway_api_key.expect("a key").expose_secret(), "open-sesame");
    });
    with("", &[("TRAVELADVISOR_GATEWAY_URL", "")], || {
        assert!(Config::load(Overrides::default()).expect("settings").gateway_url.is_none(), "empty counts as unset");
    });
}

#[test]
fn an_unknown_key_is_named() {
    with("lissen = \"127.0.0.1:1\"", &[], || {
        let error = error(Overrides::default());
        assert!(error.contains("lissen") && error.contains(DEFAULT_FILE), "{error}");
    });
    with("", &[("TRAVELADVISOR_DATADIR", "x")], || {
        let error = error(Overrides::default());
        assert!(error.to_lowercase().contains("datadir"), "{error}");
    });
}

#[test]
fn a_value_that_cannot_be_is_named() {
    with("mode = \"playground\"", &[], || {
        let error = error(Overrides::default());
        assert!(error.contains("playground") && error.contains("mode"), "{error}");
    });
    with("", &[("TRAVELADVISOR_CLOCK", "noon")], || {
        let error = error(Overrides::default());
        assert!(error.contains("noon") && error.contains("2024-12-01"), "{error}");
    });
}

/// What the program's variables of the environment are for.
const VARIABLES: [&str; 37] = [
    "MODE",
    "DATABASE_URL",
    "DATA_DIR",
    "LISTEN",
    "ROLES",
    "POSTGRES_BIN",
    "CLOCK",
    "GATEWAY_URL",
    "GATEWAY_NAME",
    "GATEWAY_API_KEY",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "LIMITS_COST_PER_MINUTE",
    "LIMITS_SHARED",
    "POINTS_RATE",
    "POINTS_RATES_GBP",
    "POINTS_EARNED_PERCENT",
    "AUTH_ISSUER",
    "AUTH_AUDIENCE",
    "AUTH_JWKS_URL",
    "AUTH_ROLES_CLAIM",
    "KAFKA_BROKERS",
    "KAFKA_OUTBOX",
    "KAFKA_MESSAGE_VERSION",
    "KAFKA_TOPIC_PREFIX",
    "KAFKA_SLOT_PREFIX",
    "SERVICES_BOOKING",
    "SERVICES_HOTEL",
    "SERVICES_FLIGHT",
    "SERVICES_CAR",
    "SERVICES_PAYMENT",
    "SERVICES_MEMBER",
    "SERVICES_TOKEN",
    "SERVICES_PRIVATE_NETWORK",
    "LOGS_HOTEL_SCHEMA",
    "LOGS_HOTEL_URL",
    "LOGS_READ_SCHEMA",
];

#[test]
fn what_is_empty_counts_as_not_set_whichever_setting_it_is() {
    let mut unset = String::new();
    with("", &[], || unset = format!("{:?}", Config::load(Overrides::default()).expect("defaults")));
    for name in VARIABLES {
        with("", &[(&format!("TRAVELADVISOR_{name}"), "")], || {
            let config = Config::load(Overrides::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(format!("{config:?}"), unset, "{name}");
        });
    }
    // As shells unset a variable for one command, also where the file sets it.
    with("clock = \"2024-12-01\"\nmode = \"sandbox\"", &[("TRAVELADVISOR_CLOCK", "")], || {
        assert_eq!(Config::load(Overrides::default()).expect("settings").clock, None);
    });
}

#[test]
fn a_named_file_must_be_there() {
    with("", &[], || {
        let overrides = Overrides { config_file: Some(PathBuf::from("absent.toml")), ..Overrides::default() };
        assert!(error(overrides).contains("absent.toml"));
    });
}

#[test]
fn production_takes_no_clock() {
    with("mode = \"production\"", &[("TRAVELADVISOR_CLOCK", "2024-12-01")], || {
        let error = error(Overrides::default());
        assert!(error.contains("clock") && error.contains("production"), "{error}");
    });
    with("clock = \"2024-12-01\"", &[], || {
        let config = Config::load(Overrides::default()).expect("the sandbox takes one");
        assert_eq!(config.clock, parse_instant("2024-12-01").ok());
    });
}

#[test]
fn only_loopback_is_listened_on() {
    for open in ["0.0.0.0:8072", "192.168.1.5:80", "[::]:8072"] {
        with("", &[("TRAVELADVISOR_LISTEN", open)], || {
            let error = error(Overrides::default());
            assert!(error.contains(open) && error.contains("loopback"), "{error}");
        });
    }
    with("", &[("TRAVELADVISOR_LISTEN", "[::1]:8072")], || {
        assert!(Config::load(Overrides::default()).is_ok());
    });
}

#[test]
fn an_issuer_comes_from_the_file_or_the_environment_and_opens_other_addresses() {
    let file = "listen = \"0.0.0.0:8072\"\n[auth]\nissuer = \"https://other.example\"\naudience = \"booking-api\"";
    with(file, &[("TRAVELADVISOR_AUTH_ISSUER", "https://id.example/realms/travel")], || {
        let config = Config::load(Overrides::default()).expect("settings");
        let trusted = config.auth.trusted().expect("settings").expect("an issuer");
        assert_eq!(trusted.issuer, "https://id.example/realms/travel", "the environment goes before the file");
        assert_eq!((trusted.audience.as_str(), trusted.jwks_url, trusted.roles_claim), ("booking-api", None, None));
    });
    let variables = [
        ("TRAVELADVISOR_AUTH_ISSUER", "http://127.0.0.1:18080/realms/travel"),
        ("TRAVELADVISOR_AUTH_AUDIENCE", "booking-api"),
        ("TRAVELADVISOR_AUTH_JWKS_URL", "http://localhost:18080/keys"),
        ("TRAVELADVISOR_AUTH_ROLES_CLAIM", "realm_access.roles"),
    ];
    with("", &variables, || {
        let config = Config::load(Overrides::default()).expect("settings");
        let trusted = config.auth.trusted().expect("settings").expect("an issuer");
        assert_eq!(trusted.jwks_url.as_deref(), Some("http://localhost:18080/keys"));
        assert_eq!(trusted.roles_claim.as_deref(), Some("realm_access.roles"));
    });
    with("", &[("TRAVELADVISOR_AUTH_ISSUER", "")], || {
        let config = Config::load(Overrides::default()).expect("settings");
        assert_eq!(config.auth.trusted(), Ok(None), "empty counts as unset");
    });
}

#[test]
fn half_an_issuer_is_none_and_is_told() {
    let long = format!("https://id.example/{}", "x".repeat(300));
    for (variables, word) in [
        (&[("TRAVELADVISOR_AUTH_AUDIENCE", "booking-api")][..], "auth.issuer"),
        (&[("TRAVELADVISOR_AUTH_ROLES_CLAIM", "roles"), ("TRAVELADVISOR_AUTH_ISSUER", "")], "auth.issuer"),
        (&[("TRAVELADVISOR_AUTH_ISSUER", "https://id.example")], "auth.audience"),
        (&[("TRAVELADVISOR_AUTH_ISSUER", "http://id.example")], "https://"),
        (&[("TRAVELADVISOR_AUTH_ISSUER", "https://id.example/#a")], "auth.issuer"),
        (&[("TRAVELADVISOR_AUTH_ISSUER", "id.example")], "auth.issuer"),
        (&[("TRAVELADVISOR_AUTH_ISSUER", &long)], "too long"),
        (&[("TRAVELADVISOR_AUTH_ISSUERS", "https://id.example")], "issuers"),
        (
            &[
                ("TRAVELADVISOR_AUTH_ISSUER", "https://id.example"),
                ("TRAVELADVISOR_AUTH_AUDIENCE", "booking-api"),
                ("TRAVELADVISOR_AUTH_JWKS_URL", "http://id.example/keys"),
            ],
            "auth.jwks_url",
        ),
    ] {
        with("", variables, || {
            let error = error(Overrides::default());
            assert!(error.to_lowercase().contains(word), "{variables:?}: {error}");
        });
    }
}

#[test]
fn what_callers_may_ask_for_is_set_in_file_or_environment() {
    let file = "[limits]\ncost_per_minute = 5000";
    with(file, &[("TRAVELADVISOR_LIMITS_SHARED", "true")], || {
        let limits = Config::load(Overrides::default()).expect("settings").limits;
        assert_eq!((limits.cost_per_minute.map(NonZeroU32::get), limits.shared), (Some(5000), true));
    });
    with("[limits]\ncost_per_minute = 0", &[], || assert!(error(Overrides::default()).contains("cost_per_minute")));
}

#[test]
fn points_are_worth_what_file_and_environment_say() {
    let pounds = |minor| Money::new(minor, Currency::GBP);
    let won = |minor| Money::new(minor, "KRW".parse().expect("a currency"));
    with("", &[], || {
        let terms = Config::load(Overrides::default()).expect("defaults").points.terms().expect("terms");
        assert_eq!((terms.points_for(pounds(100)), terms.earned_for(pounds(10_000))), (100, 100));
    });
    let file = "[points]\nrate = 50\nearned_percent = 10\n[points.rates]\nKRW = 1\nEUR = 7";
    let variables = [("TRAVELADVISOR_POINTS_RATES_KRW", "2"), ("TRAVELADVISOR_POINTS_EARNED_PERCENT", "20")];
    with(file, &variables, || {
        let terms = Config::load(Overrides::default()).expect("settings").points.terms().expect("terms");
        assert_eq!((terms.points_for(pounds(100)), terms.points_for(won(100))), (50, 200));
        assert_eq!(terms.earned_for(pounds(10_000)), 1_000);
        assert_eq!(terms.points_for(Money::new(100, "EUR".parse().expect("a currency"))), 7);
    });
}

#[test]
fn a_rate_of_zero_or_of_no_currency_is_refused_with_a_sentence() {
    for (file, sentence) in [
        ("[points]\nrate = 0", "0 is not"),
        ("[points]\nrate = -1", "rate"),
        ("[points]\nrate = 1.5", "rate"),
        ("[points.rates]\nGBP = 0", "one unit of GBP"),
        ("[points.rates]\nXYZ = 1", "points.rates.XYZ is no currency"),
        ("[points]\nearned_percent = 101", "0 to 100 percent"),
        ("[points]\nworth = 1", "worth"),
    ] {
        with(file, &[], || {
            let told = error(Overrides::default());
            assert!(told.contains(sentence), "{file}: {told}");
        });
    }
    with("", &[("TRAVELADVISOR_POINTS_RATE", "0")], || {
        assert!(error(Overrides::default()).contains("0 is not"));
    });
}
