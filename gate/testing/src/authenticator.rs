//! An authenticator in software (WebAuthn, CTAP 2): it makes passkeys and signs with them,
//! and lies where a test wants it to.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Bits of the byte of flags: somebody is there, they were verified, a new key follows.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// One passkey and what the authenticator says with it.
#[derive(Clone)]
pub struct Authenticator {
    key: SigningKey,
    credential: Vec<u8>,
    /// The next signature's; 0 stays 0.
    pub counter: u32,
    /// It says that it verified the person.
    pub verifies: bool,
    /// It says that it keeps the passkey.
    pub keeps: bool,
    /// The browser says that the page was in a frame of another site's.
    pub is_framed: bool,
}

impl Authenticator {
    /// Another one for each number.
    pub fn new(number: u8) -> Self {
        Self {
            key: SigningKey::from_slice(&[number.max(1); 32]).unwrap(),
            credential: vec![number; 32],
            counter: 0,
            verifies: true,
            keeps: true,
            is_framed: false,
        }
    }

    /// The same credential with another key: whoever saw it and has not the key.
    #[must_use]
    pub fn forged(&self) -> Self {
        Self {
            key: SigningKey::from_slice(&[99; 32]).unwrap(),
            ..self.clone()
        }
    }

    /// The credential in base64url.
    pub fn credential(&self) -> String {
        encode(&self.credential)
    }

    /// Answers `navigator.credentials.create`, for the page of an origin.
    pub fn make(&self, options: &Value, origin: &str) -> String {
        let options = &options["publicKey"];
        let party = options["rp"]["id"].as_str().unwrap();
        let mut data = self.data(party, ATTESTED);
        // The maker's number, the credential, and its public key in COSE.
        data.extend_from_slice(&[0; 16]);
        let length = u16::try_from(self.credential.len()).unwrap();
        data.extend_from_slice(&length.to_be_bytes());
        data.extend_from_slice(&self.credential);
        data.extend_from_slice(&self.public_key());
        let mut object = vec![0xa3, 0x63];
        object.extend_from_slice(b"fmt\x64none\x67attStmt\xa0\x68authData\x59");
        object.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend_from_slice(&data);
        let client = self.client_data("webauthn.create", options, origin);
        let response = json!({
            "attestationObject": encode(&object), "clientDataJSON": encode(client.as_bytes()),
        });
        let props = json!({"credProps": {"rk": self.keeps}});
        self.answer(&response, &props)
    }

    /// Answers `navigator.credentials.get`.
    pub fn sign(&mut self, options: &Value, origin: &str) -> String {
        let options = &options["publicKey"];
        let data = self.data(options["rpId"].as_str().unwrap(), 0);
        let client = self.client_data("webauthn.get", options, origin);
        let signed = [&data[..], &Sha256::digest(client.as_bytes())].concat();
        let signature: Signature = self.key.sign(&signed);
        if self.counter > 0 {
            self.counter += 1;
        }
        let response = json!({
            "authenticatorData": encode(&data), "clientDataJSON": encode(client.as_bytes()),
            "signature": encode(signature.to_der().as_bytes()), "userHandle": Value::Null,
        });
        self.answer(&response, &json!({}))
    }

    fn data(&self, party: &str, flags: u8) -> Vec<u8> {
        let verified = if self.verifies { VERIFIED } else { 0 };
        let mut data = Sha256::digest(party.as_bytes()).to_vec();
        data.push(PRESENT | verified | flags);
        data.extend_from_slice(&self.counter.to_be_bytes());
        data
    }

    /// A map: key type EC2, algorithm ES256, curve P-256, x, y.
    fn public_key(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        key.extend_from_slice(x);
        key.extend_from_slice(&[0x22, 0x58, 0x20]);
        key.extend_from_slice(y);
        key
    }

    fn client_data(&self, kind: &str, options: &Value, origin: &str) -> String {
        let (challenge, framed) = (&options["challenge"], self.is_framed);
        json!({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": framed})
            .to_string()
    }

    fn answer(&self, response: &Value, extensions: &Value) -> String {
        let credential = self.credential();
        json!({
            "id": credential, "rawId": credential, "type": "public-key",
            "response": response, "clientExtensionResults": extensions,
        })
        .to_string()
    }
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
