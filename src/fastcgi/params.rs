//! The PARAMS stream: name-value pairs in records (FastCGI 1.0, section 3.4).

use super::error::Error;
use super::record::{HEADER, Kind, put_header};
use super::request::MAX_PAIR;

/// Names and values, in order.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Writes pairs into PARAMS records, never across two: php-fpm decodes record by record.
#[derive(Debug)]
pub struct ParamsEncoder {
    out: Vec<u8>,
    /// Where the open record's header stands.
    record: usize,
}

impl ParamsEncoder {
    /// An empty stream.
    pub fn new() -> Self {
        let mut out = Vec::with_capacity(512);
        put_header(&mut out, Kind::Params, 0);
        ParamsEncoder { out, record: 0 }
    }

    /// Appends one pair.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the pair with its length bytes is above [`MAX_PAIR`] bytes.
    pub fn pair(&mut self, name: &[u8], value: &[u8]) -> Result<(), Error> {
        let size = length_size(name.len()) + length_size(value.len()) + name.len() + value.len();
        if size > MAX_PAIR {
            return Err(Error::Invalid(format!(
                "param {:?} with a value of {} bytes makes a pair of {size}; a FastCGI record holds {MAX_PAIR}",
                String::from_utf8_lossy(name.get(..60).unwrap_or(name)),
                value.len()
            )));
        }
        if self.out.len() - self.record - HEADER + size > MAX_PAIR {
            self.close();
            self.record = self.out.len();
            put_header(&mut self.out, Kind::Params, 0);
        }
        self.out.reserve(size);
        put_length(&mut self.out, name.len());
        put_length(&mut self.out, value.len());
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(value);
        Ok(())
    }

    /// Appends pairs of [`encode`]; only while the record has room for them.
    pub fn encoded(&mut self, pairs: &[u8]) {
        self.out.extend_from_slice(pairs);
    }

    /// Ends the stream with its empty record.
    pub fn finish(mut self) -> Vec<u8> {
        if self.out.len() - self.record > HEADER {
            self.close();
            put_header(&mut self.out, Kind::Params, 0);
        }
        self.out
    }

    fn close(&mut self) {
        #[allow(clippy::cast_possible_truncation, reason = "`pair` keeps a record at MAX_PAIR bytes")]
        let length = (self.out.len() - self.record - HEADER) as u16;
        if let Some(field) = self.out.get_mut(self.record + 4..self.record + 6) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// The size of [`encode`]'s result.
pub const fn encoded_size(pairs: &[(&[u8], &[u8])]) -> usize {
    let mut size = 0;
    let mut rest = pairs;
    while let [(name, value), more @ ..] = rest {
        size += 2 + name.len() + value.len();
        rest = more;
    }
    size
}

/// Encodes short pairs when the program is compiled.
#[allow(clippy::cast_possible_truncation, reason = "compared first")]
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse")]
pub const fn encode<const SIZE: usize>(pairs: &[(&[u8], &[u8])]) -> [u8; SIZE] {
    const fn put<const SIZE: usize>(out: &mut [u8; SIZE], mut at: usize, mut bytes: &[u8]) -> usize {
        while let [byte, more @ ..] = bytes {
            out[at] = *byte;
            at += 1;
            bytes = more;
        }
        at
    }
    let mut out = [0; SIZE];
    let mut at = 0;
    let mut rest = pairs;
    while let [(name, value), more @ ..] = rest {
        assert!(name.len() < 128 && value.len() < 128, "a length of one byte");
        at = put(&mut out, at, &[name.len() as u8, value.len() as u8]);
        at = put(&mut out, at, name);
        at = put(&mut out, at, value);
        rest = more;
    }
    out
}

fn length_size(length: usize) -> usize {
    if length < 128 { 1 } else { 4 }
}

#[allow(clippy::cast_possible_truncation, reason = "a pair is at most MAX_PAIR bytes")]
fn put_length(out: &mut Vec<u8>, length: usize) {
    if length < 128 {
        out.push(length as u8);
    } else {
        out.extend_from_slice(&(length as u32 | 0x8000_0000).to_be_bytes());
    }
}

/// A GET_VALUES record that asks for these (FastCGI 1.0, section 4.1).
pub fn get_values(names: &[&str]) -> Vec<u8> {
    let mut pairs = Vec::new();
    for name in names {
        put_length(&mut pairs, name.len());
        put_length(&mut pairs, 0);
        pairs.extend_from_slice(name.as_bytes());
    }
    let mut out = Vec::with_capacity(HEADER + pairs.len());
    put_header(&mut out, Kind::GetValues, u16::try_from(pairs.len()).unwrap_or(u16::MAX));
    out.append(&mut pairs);
    out
}

/// Decodes the pairs of a GET_VALUES_RESULT record. `None`: a pair is cut.
pub fn decode(mut bytes: &[u8]) -> Option<Pairs> {
    fn length(bytes: &mut &[u8]) -> Option<usize> {
        let (&first, rest) = bytes.split_first()?;
        if first < 128 {
            *bytes = rest;
            return Some(usize::from(first));
        }
        let (four, rest) = bytes.split_first_chunk::<4>()?;
        *bytes = rest;
        usize::try_from(u32::from_be_bytes(*four) & 0x7fff_ffff).ok()
    }
    let mut pairs = Vec::new();
    while !bytes.is_empty() {
        let name = length(&mut bytes)?;
        let value = length(&mut bytes)?;
        let (name, rest) = bytes.split_at_checked(name)?;
        let (value, rest) = rest.split_at_checked(value)?;
        pairs.push((name.to_vec(), value.to_vec()));
        bytes = rest;
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// The records' contents; every record must hold whole pairs.
    fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            assert_eq!((bytes[0], bytes[1], bytes[6]), (1, 4, 0), "version, PARAMS, no padding");
            let length = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
            all.push(bytes[8..8 + length].to_vec());
            bytes = &bytes[8 + length..];
        }
        all
    }

    #[test]
    fn lengths_at_the_edges_survive() {
        for (name, value) in [(1, 0), (127, 127), (128, 128), (127, 128), (128, 127), (1, 65_529), (65_526, 4)] {
            let mut encoder = ParamsEncoder::new();
            let pair = (vec![b'n'; name], vec![b'v'; value]);
            encoder.pair(&pair.0, &pair.1).unwrap();
            let records = records(&encoder.finish());
            assert_eq!(records.len(), 2);
            assert!(records[1].is_empty());
            assert_eq!(decode(&records[0]).unwrap(), [pair]);
        }
    }

    #[test]
    fn a_pair_that_fits_no_record_is_refused() {
        let mut encoder = ParamsEncoder::new();
        assert!(matches!(encoder.pair(b"n", &[0; 65_535]), Err(Error::Invalid(_))));
        assert!(encoder.pair(b"n", &[0; 65_529]).is_ok());
        assert!(matches!(ParamsEncoder::new().pair(b"n", &[0; 65_530]), Err(Error::Invalid(_))));
    }

    #[test]
    fn no_pair_straddles_two_records() {
        let mut encoder = ParamsEncoder::new();
        let pairs: Vec<_> = (0..3000).map(|n| (format!("N{n}").into_bytes(), vec![b'x'; n % 300])).collect();
        for (name, value) in &pairs {
            encoder.pair(name, value).unwrap();
        }
        let records = records(&encoder.finish());
        assert!(records.len() > 4);
        let decoded: Vec<_> = records.iter().flat_map(|r| decode(r).unwrap()).collect();
        assert_eq!(decoded, pairs);
    }

    #[test]
    fn an_empty_stream_is_one_empty_record() {
        assert_eq!(records(&ParamsEncoder::new().finish()), [Vec::<u8>::new()]);
    }

    #[test]
    fn a_cut_pair_is_seen() {
        assert_eq!(decode(&[3, 1, b'a']), None);
        assert_eq!(decode(&[0x80, 0]), None);
    }
}
