//! A realm of one test: the realm file under another name, so that tests may turn its keys without disturbing each other.

use std::process::Command;

use serde_json::{Value, json};

use super::web::{Answer, encoded, post_form, send};

/// Where applications wait for the code. Nobody listens there: the code is read from the redirection.
const REDIRECT: &str = "http://127.0.0.1:3000/callback";
/// A verifier and its challenge, as RFC 7636 gives them in appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// What the realm file says.
const FILE: &str = include_str!("../../infra/local/keycloak/realm.json");
/// The name of the realm that every start has.
pub(super) const STARTED: &str = "traveladvisor";

/// What Keycloak gives for a code or a secret.
#[derive(Debug)]
pub(super) struct Tokens(Value);

impl Tokens {
    fn of(answer: &Answer) -> Result<Self, String> {
        if answer.status == 200 { Ok(Self(answer.json())) } else { Err(answer.body.clone()) }
    }

    pub(super) fn access(&self) -> &str {
        self.0["access_token"].as_str().expect("an access token")
    }

    pub(super) fn refresh(&self) -> &str {
        self.0["refresh_token"].as_str().expect("a refresh token")
    }

    pub(super) fn id(&self) -> &str {
        self.0["id_token"].as_str().expect("an ID token")
    }

    /// The scopes that were given.
    pub(super) fn scopes(&self) -> Vec<&str> {
        self.0["scope"].as_str().expect("a scope").split(' ').collect()
    }
}

/// A realm of the Keycloak that the tests run beside.
pub(super) struct Realm {
    url: String,
    name: String,
}

impl Realm {
    /// The realm as everybody finds it after a start.
    pub(super) fn as_started() -> Self {
        Self { url: setting("KEYCLOAK_URL"), name: STARTED.to_owned() }
    }

    /// The realm of the file under another name, with what a test wants to be otherwise.
    pub(super) fn another(name: &str, change: impl FnOnce(&mut Value)) -> Self {
        let realm = Self { url: setting("KEYCLOAK_URL"), name: name.to_owned() };
        let mut content: Value = serde_json::from_str(FILE).expect("the realm file is JSON");
        content["realm"] = json!(name);
        // The ids are taken by the realm that was there before.
        for user in content["users"].as_array_mut().expect("users") {
            user.as_object_mut().expect("an object").remove("id");
        }
        change(&mut content);
        realm.administer("DELETE", &format!("/admin/realms/{name}"), &Value::Null);
        let made = realm.administer("POST", "/admin/realms", &content);
        assert_eq!(made.status, 201, "{}", made.body);
        realm
    }

    pub(super) fn issuer(&self) -> String {
        format!("{}/realms/{}", self.url, self.name)
    }

    fn endpoint(&self, name: &str) -> String {
        format!("{}/protocol/openid-connect/{name}", self.issuer())
    }

    /// Client credentials: what the client always has, and the scopes that it asks for.
    pub(super) fn of_the_service(&self, client: &str, secret: &str, scope: Option<&str>) -> Result<Tokens, String> {
        let mut fields = vec![("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
        fields.extend(scope.map(|scope| ("scope", scope)));
        Tokens::of(&post_form(&self.endpoint("token"), "", &fields))
    }

    /// The gateway's tokens.
    pub(super) fn gateway(&self) -> Tokens {
        self.of_the_service("traveladvisor-gateway", "gateway-development-secret", None).expect("tokens")
    }

    /// Tokens of a traveller who signs in at the web application.
    pub(super) fn traveller(&self, name: &str, scope: &str) -> Result<Tokens, String> {
        self.signed_in(name, "traveladvisor-web", scope)
    }

    /// Authorization code and PKCE: the application asks, the person signs in, the application changes the code into tokens.
    pub(super) fn signed_in(&self, name: &str, client: &str, scope: &str) -> Result<Tokens, String> {
        let code =
            self.code(name, client, scope, &[("code_challenge_method", "S256"), ("code_challenge", CHALLENGE)])?;
        self.exchanged(client, &code, VERIFIER)
    }

    /// What Keycloak gives to the application when a person has signed in; why not, when it does not even ask them to.
    pub(super) fn code(&self, name: &str, client: &str, scope: &str, pkce: &[(&str, &str)]) -> Result<String, String> {
        let scope = format!("openid {scope}");
        let asked = [("response_type", "code"), ("client_id", client), ("redirect_uri", REDIRECT), ("scope", &scope)];
        let asked = [asked.as_slice(), pkce].concat();
        let page = send("GET", &format!("{}?{}", self.endpoint("auth"), encoded(&asked)), "", "");
        let Some(form) = page.body.split(" action=\"").nth(1).and_then(|rest| rest.split('"').next()) else {
            return Err(page.header("Location").collect());
        };
        // Carried by hand: they are marked Secure, and this is loopback without encryption.
        let cookies: Vec<&str> = page.header("Set-Cookie").filter_map(|cookie| cookie.split(';').next()).collect();
        let password = format!("{name}-development-password");
        let credentials = [("username", name), ("password", &password), ("credentialId", "")];
        let headers = format!("Cookie: {}\r\n", cookies.join("; "));
        let answer = post_form(&form.replace("&amp;", "&"), &headers, &credentials);
        let back: String = answer.header("Location").collect();
        let code = back.split(['?', '&']).find_map(|part| part.strip_prefix("code="));
        code.map(str::to_owned).ok_or(back)
    }

    /// Tokens for a code.
    pub(super) fn exchanged(&self, client: &str, code: &str, verifier: &str) -> Result<Tokens, String> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("code", code),
            ("code_verifier", verifier),
        ];
        Tokens::of(&post_form(&self.endpoint("token"), "", &fields))
    }

    /// Tokens for a refresh token.
    pub(super) fn refreshed(&self, client: &str, tokens: &Tokens, scope: &str) -> Result<Tokens, String> {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", client),
            ("refresh_token", tokens.refresh()),
            ("scope", scope),
        ];
        Tokens::of(&post_form(&self.endpoint("token"), "", &fields))
    }

    /// Tokens for a name and a password, without a login page: what no client of ours may do.
    pub(super) fn by_password(&self, client: &str, name: &str) -> Result<Tokens, String> {
        let password = format!("{name}-development-password");
        let fields = [("grant_type", "password"), ("client_id", client), ("username", name), ("password", &password)];
        Tokens::of(&post_form(&self.endpoint("token"), "", &fields))
    }

    /// Ends the session that tokens belong to.
    pub(super) fn log_out(&self, client: &str, tokens: &Tokens) {
        let fields = [("client_id", client), ("refresh_token", tokens.refresh())];
        let answer = post_form(&self.endpoint("logout"), "", &fields);
        assert_eq!(answer.status, 204, "{}", answer.body);
    }

    /// Signs with a new key from now on; the former ones are still published.
    pub(super) fn sign_with_a_new_key(&self, name: &str, priority: u32) {
        let realm = self.administer("GET", &format!("/admin/realms/{}", self.name), &Value::Null).json();
        let key = json!({
            "name": name,
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "parentId": realm["id"],
            "config": { "priority": [priority.to_string()], "algorithm": ["RS256"] },
        });
        let made = self.administer("POST", &self.components(), &key);
        assert_eq!(made.status, 201, "{}", made.body);
    }

    /// Publishes a key no longer.
    pub(super) fn disable_key(&self, name: &str) {
        let keys = format!("{}?type=org.keycloak.keys.KeyProvider", self.components());
        let keys = self.administer("GET", &keys, &Value::Null).json();
        let mut keys = keys.as_array().expect("keys").iter();
        let mut key = keys.find(|key| key["name"] == name).expect("a key of this name").clone();
        key["config"]["enabled"] = json!(["false"]);
        let place = format!("{}/{}", self.components(), key["id"].as_str().expect("an id"));
        let changed = self.administer("PUT", &place, &key);
        assert_eq!(changed.status, 204, "{}", changed.body);
    }

    fn components(&self) -> String {
        format!("/admin/realms/{}/components", self.name)
    }

    /// Keycloak's own administrator; the token is good for a minute only and got anew each time.
    fn administer(&self, method: &str, path: &str, body: &Value) -> Answer {
        let (name, password) = (setting("KEYCLOAK_ADMIN"), setting("KEYCLOAK_ADMIN_PASSWORD"));
        let fields = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", name.as_str()),
            ("password", password.as_str()),
        ];
        let token = post_form(&format!("{}/realms/master/protocol/openid-connect/token", self.url), "", &fields);
        let tokens = Tokens::of(&token).expect("the administrator may sign in");
        let headers = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", tokens.access());
        let body = if body.is_null() { String::new() } else { body.to_string() };
        send(method, &format!("{}{path}", self.url), &headers, &body)
    }
}

/// The access token that the script prints for a person or the service of the realm that every start has.
pub(super) fn printed_token(arguments: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/infra/local/keycloak/token");
    let output = Command::new(script).args(arguments).output().expect("the script runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is missing: run these tests by `just identity`"))
}
