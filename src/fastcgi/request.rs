//! A request before it is sent: CGI variables, checked and encoded into PARAMS records.

use super::error::Error;
use super::params::{self, Pairs, ParamsEncoder};
use indexmap::IndexMap;
use std::borrow::Cow;

/// The role that the FastCGI application is asked to play (FastCGI 1.0, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u16)]
pub enum Role {
    /// Runs a script and answers with a page: what php-fpm does.
    #[default]
    Responder = 1,
    /// Decides whether a request may go on; gets no body.
    Authorizer = 2,
    /// Gets a file's bytes on the DATA stream besides the body.
    Filter = 3,
}

/// The longest name-value pair, its length bytes included, that fits one PARAMS record. php-fpm reads
/// pairs record by record, so a pair may not straddle two.
pub const MAX_PAIR: usize = 65_535;

/// Variables whose values do not depend on the request.
const FIXED: [(&[u8], &[u8]); 8] = [
    (b"GATEWAY_INTERFACE", b"CGI/1.1"),
    (b"SERVER_SOFTWARE", concat!("towline/", env!("CARGO_PKG_VERSION")).as_bytes()),
    (b"SERVER_PROTOCOL", b"HTTP/1.1"),
    (b"SERVER_NAME", b"localhost"),
    (b"SERVER_ADDR", b"127.0.0.1"),
    (b"SERVER_PORT", b"80"),
    (b"REMOTE_ADDR", b"127.0.0.1"),
    (b"REMOTE_PORT", b"0"),
];

/// Those of a GET without query and body.
const PLAIN: [(&[u8], &[u8]); 3] = [(b"REQUEST_METHOD", b"GET"), (b"QUERY_STRING", b""), (b"CONTENT_LENGTH", b"0")];

/// They make up most of a small request: encoded by the compiler.
static FIXED_PAIRS: [u8; params::encoded_size(&FIXED)] = params::encode(&FIXED);
static PLAIN_PAIRS: [u8; params::encoded_size(&PLAIN)] = params::encode(&PLAIN);

/// Collects what a request is made of; [`RequestBuilder::build`] checks and encodes it.
///
/// Towline sets `GATEWAY_INTERFACE`, `SERVER_SOFTWARE`, `SERVER_PROTOCOL`, `SERVER_NAME`, `SERVER_ADDR`,
/// `SERVER_PORT`, `REMOTE_ADDR`, `REMOTE_PORT`, `REQUEST_METHOD`, `REQUEST_URI`, `SCRIPT_NAME`,
/// `SCRIPT_FILENAME`, `QUERY_STRING`, `CONTENT_TYPE` and `CONTENT_LENGTH`; [`param`](Self::param) overrides all but the last.
#[derive(Debug, Clone)]
pub struct RequestBuilder {
    script: Vec<u8>,
    method: Cow<'static, [u8]>,
    query: Vec<u8>,
    content_type: Vec<u8>,
    content_length: u64,
    role: Role,
    data: Vec<u8>,
    params: IndexMap<Vec<u8>, Vec<u8>>,
}

/// A checked, encoded request without its body; may be sent any number of times.
#[derive(Debug, Clone)]
pub struct Request {
    /// PARAMS records, the empty one at the end included.
    pub(super) params: Vec<u8>,
    pub(super) role: Role,
    /// GET, HEAD and the like (RFC 9110 section 9.2.1): sending it twice is harmless by definition.
    pub(super) safe: bool,
    pub(super) content_length: u64,
    /// The DATA stream of a filter.
    pub(super) data: Vec<u8>,
}

impl Request {
    /// Starts a GET of `script`, an absolute path as the FastCGI server sees it (`SCRIPT_FILENAME`).
    pub fn builder(script: impl Into<Vec<u8>>) -> RequestBuilder {
        RequestBuilder {
            script: script.into(),
            method: Cow::Borrowed(b"GET"),
            query: Vec::new(),
            content_type: Vec::new(),
            content_length: 0,
            role: Role::Responder,
            data: Vec::new(),
            params: IndexMap::new(),
        }
    }

    /// The body's length in bytes, as `CONTENT_LENGTH` says.
    pub fn content_length(&self) -> u64 {
        self.content_length
    }

    /// The role asked for.
    pub fn role(&self) -> Role {
        self.role
    }
}

impl RequestBuilder {
    /// `REQUEST_METHOD`; `GET` unless set.
    #[must_use]
    pub fn method(mut self, method: impl Into<Vec<u8>>) -> Self {
        self.method = Cow::Owned(method.into());
        self
    }

    /// `QUERY_STRING`, without the question mark; already percent-encoded.
    #[must_use]
    pub fn query(mut self, query: impl Into<Vec<u8>>) -> Self {
        self.query = query.into();
        self
    }

    /// `CONTENT_TYPE`; sent only when not empty.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<Vec<u8>>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// `CONTENT_LENGTH`: the exact number of body bytes that will be sent.
    #[must_use]
    pub fn content_length(mut self, length: u64) -> Self {
        self.content_length = length;
        self
    }

    /// The role; responder unless set.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// A filter's DATA stream: the file to be filtered. `FCGI_DATA_LENGTH` follows from it.
    #[must_use]
    pub fn data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.data = data.into();
        self
    }

    /// Adds a CGI variable or overrides one; the last value given for a name counts. Names must not come from untrusted
    /// input: `PHP_VALUE` and `PHP_ADMIN_VALUE` are php.ini settings, and may outlast the request.
    #[must_use]
    pub fn param(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.params.insert(name.into(), value.into());
        self
    }

    /// Adds an HTTP request header as its `HTTP_*` variable (`CONTENT_TYPE` for `Content-Type`).
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty name, a character no header name has, `Proxy` (it would become
    /// `HTTP_PROXY`, the hole known as httpoxy) and `Content-Length` (it follows from the body).
    pub fn header(self, name: &str, value: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let variable = header_variable(name)?;
        Ok(if variable == "CONTENT_TYPE" { self.content_type(value) } else { self.param(variable, value) })
    }

    /// All variables in the order they are sent.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn params(&self) -> Result<Pairs, Error> {
        let mut all = Vec::with_capacity(16 + self.params.len());
        let mut put = |name: &[u8], value: &[u8]| {
            all.push((name.to_vec(), value.to_vec()));
            Ok(())
        };
        self.check()?;
        self.each(&FIXED, &mut put)?;
        self.each_of_call(&mut put)?;
        self.each_of_script(put)?;
        Ok(all)
    }

    /// Checks and encodes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty script or method, an empty or NUL-holding name, a pair above
    /// [`MAX_PAIR`] bytes, `HTTP_PROXY`, or a `CONTENT_LENGTH` that contradicts the body.
    pub fn build(&self) -> Result<Request, Error> {
        let mut encoder = ParamsEncoder::new();
        self.check()?;
        let overridden = |pairs: &[(&[u8], &[u8])]| pairs.iter().any(|(name, _)| self.overrides(name));
        if overridden(&FIXED) {
            self.each(&FIXED, |name, value| encoder.pair(name, value))?;
        } else {
            encoder.encoded(&FIXED_PAIRS);
        }
        if self.is_plain() && !overridden(&PLAIN) {
            encoder.encoded(&PLAIN_PAIRS);
        } else {
            self.each_of_call(|name, value| encoder.pair(name, value))?;
        }
        self.each_of_script(|name, value| encoder.pair(name, value))?;
        // What the script will see: a param overrides the method.
        let method = self.params.get(b"REQUEST_METHOD".as_slice()).map_or(&*self.method, Vec::as_slice);
        Ok(Request {
            params: encoder.finish(),
            role: self.role,
            safe: matches!(method, b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE"),
            content_length: self.content_length,
            data: self.data.clone(),
        })
    }

    #[inline]
    fn overrides(&self, name: &[u8]) -> bool {
        !self.params.is_empty() && self.params.contains_key(name)
    }

    fn each(
        &self,
        pairs: &[(&[u8], &[u8])],
        mut put: impl FnMut(&[u8], &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        pairs.iter().filter(|(name, _)| !self.overrides(name)).try_for_each(|(name, value)| put(name, value))
    }

    /// True when [`PLAIN`] is what [`each_of_call`](Self::each_of_call) gives.
    fn is_plain(&self) -> bool {
        matches!(self.method, Cow::Borrowed(b"GET"))
            && self.query.is_empty()
            && self.content_type.is_empty()
            && self.content_length == 0
            && self.role == Role::Responder
    }

    /// What depends on how the script is called.
    fn each_of_call(&self, mut put: impl FnMut(&[u8], &[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let length = decimal(self.content_length);
        self.each(&[(b"REQUEST_METHOD", &self.method), (b"QUERY_STRING", &self.query)], &mut put)?;
        // FastCGI 1.0, section 6.3: an authorizer is not told what only a responder needs.
        if self.role != Role::Authorizer {
            self.each(&[(b"CONTENT_LENGTH", length.as_bytes())], &mut put)?;
            if !self.content_type.is_empty() {
                self.each(&[(b"CONTENT_TYPE", &self.content_type)], &mut put)?;
            }
        }
        if self.role == Role::Filter {
            let data_length = decimal(self.data.len() as u64);
            self.each(&[(b"FCGI_DATA_LENGTH", data_length.as_bytes()), (b"FCGI_DATA_LAST_MOD", b"0")], &mut put)?;
        }
        Ok(())
    }

    /// What depends on the script, then what the user added.
    fn each_of_script(&self, mut put: impl FnMut(&[u8], &[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let script = self.script.as_slice();
        let uri = match self.query.as_slice() {
            b"" => Cow::Borrowed(script),
            query => Cow::Owned([script, b"?", query].concat()),
        };
        self.each(&[(b"REQUEST_URI", &uri), (b"SCRIPT_FILENAME", script)], &mut put)?;
        if self.role != Role::Authorizer {
            self.each(&[(b"SCRIPT_NAME", script)], &mut put)?;
        }
        self.params.iter().try_for_each(|(name, value)| put(name, value))
    }

    fn check(&self) -> Result<(), Error> {
        if self.script.is_empty() {
            return Err(Error::Invalid("the script path is empty; expected an absolute path".into()));
        }
        if self.script.contains(&0) {
            return Err(Error::Invalid("the script path holds a NUL byte".into()));
        }
        if self.method.is_empty() || !self.method.iter().all(|&b| is_token(b)) {
            return Err(Error::Invalid(format!(
                "{:?} is no request method; expected a word such as GET or POST",
                String::from_utf8_lossy(&self.method)
            )));
        }
        if self.role == Role::Authorizer && self.content_length > 0 {
            return Err(Error::Invalid("an authorizer gets no body (FastCGI 1.0, section 6.3)".into()));
        }
        if self.role != Role::Filter && !self.data.is_empty() {
            return Err(Error::Invalid("only a filter gets a DATA stream (FastCGI 1.0, section 6.4)".into()));
        }
        for (name, value) in &self.params {
            if name.is_empty() {
                return Err(Error::Invalid("a param has an empty name".into()));
            }
            if name.contains(&0) || name.contains(&b'=') {
                return Err(Error::Invalid(format!(
                    "param name {:?} holds '=' or a NUL byte",
                    String::from_utf8_lossy(name)
                )));
            }
            if name.eq_ignore_ascii_case(b"HTTP_PROXY") {
                return Err(Error::Invalid(
                    "HTTP_PROXY is refused: scripts would take it for their outgoing proxy (httpoxy)".into(),
                ));
            }
            if name.as_slice() == b"CONTENT_LENGTH" && value.as_slice() != self.content_length.to_string().as_bytes() {
                return Err(Error::Invalid(format!(
                    "CONTENT_LENGTH {:?} contradicts the body of {} bytes; it is set by itself",
                    String::from_utf8_lossy(value),
                    self.content_length
                )));
            }
        }
        Ok(())
    }
}

/// The CGI variable of an HTTP request header (RFC 3875 section 4.1.18).
fn header_variable(name: &str) -> Result<String, Error> {
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Error::Invalid(format!("{name:?} is no HTTP header name")));
    }
    let upper = name.replace('-', "_").to_ascii_uppercase();
    match upper.as_str() {
        "PROXY" => Err(Error::Invalid(
            "the header Proxy is refused: scripts would take HTTP_PROXY for their outgoing proxy (httpoxy)".into(),
        )),
        "CONTENT_LENGTH" => Err(Error::Invalid("Content-Length follows from the body and cannot be set".into())),
        "CONTENT_TYPE" => Ok(upper),
        _ => Ok(format!("HTTP_{upper}")),
    }
}

fn decimal(number: u64) -> Cow<'static, str> {
    if number == 0 { Cow::Borrowed("0") } else { Cow::Owned(number.to_string()) }
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
