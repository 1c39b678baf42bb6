//! CGI variables as php-fpm sees them.

use super::support::{Driver, Fpm};
use towline::fastcgi::{Request, RequestBuilder};

/// Answers with the variables whose names begin with T, a line of lengths and checksum each.
const LIST: &str = "foreach ($_SERVER as $n => $v) {
    if ($n[0] === 'T') { echo strlen($n), ' ', strlen($v), ' ', hash('crc32b', $n . '=' . $v), \"\\n\"; }
}";

/// What the script says of these.
fn expected(pairs: &[(Vec<u8>, Vec<u8>)]) -> String {
    let step = |crc: u32| (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1));
    let table: Vec<u32> = (0..256).map(|byte| (0..8).fold(byte, |crc, _| step(crc))).collect();
    let line = |(name, value): &(Vec<u8>, Vec<u8>)| {
        let sum = crc32(&table, &[name.as_slice(), b"=", value].concat());
        format!("{} {} {sum:08x}\n", name.len(), value.len())
    };
    pairs.iter().map(line).collect()
}

fn crc32(table: &[u32], bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| (crc >> 8) ^ table[((crc ^ u32::from(*byte)) & 0xff) as usize])
}

fn name(length: usize, number: usize) -> Vec<u8> {
    let mut name = format!("T{number}_").into_bytes();
    name.resize(length.max(name.len()), b'N');
    name
}

fn with(script: &str, pairs: &[(Vec<u8>, Vec<u8>)]) -> RequestBuilder {
    pairs.iter().fold(Request::builder(script), |builder, (n, v)| builder.param(n.clone(), v.clone()))
}

#[track_caller]
fn arrive(pairs: &[(Vec<u8>, Vec<u8>)]) {
    let fpm = Fpm::builder().workers(1).start();
    let script = fpm.script("list.php", LIST);
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    for _ in 0..2 {
        let key = driver.send(client, &with(&script, pairs).build().unwrap());
        let said = driver.text(key);
        let expected = expected(pairs);
        // php-fpm keeps variables in a hash: their order is its own.
        let sort = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sort(&said), sort(&expected));
    }
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().connects, 1);
}

#[test]
fn lengths_around_the_change_of_encoding() {
    let mut pairs = Vec::new();
    for name_length in [4, 127, 128, 129, 300] {
        for value_length in [0, 1, 127, 128, 129, 65_000] {
            pairs.push((name(name_length, pairs.len()), vec![b'v'; value_length]));
        }
    }
    arrive(&pairs);
}

#[test]
fn the_largest_pairs_that_a_record_holds() {
    // A one-byte length for the name, four for the value, and the name itself.
    let short = (name(100, 0), vec![b'x'; 65_535 - 1 - 4 - 100]);
    let long = (name(40_000, 1), vec![b'y'; 65_535 - 4 - 4 - 40_000]);
    let all_name = (name(65_530, 2), Vec::new());
    arrive(&[short.clone(), long, all_name]);
    let too_long = with("/a.php", &[(short.0, [short.1, vec![b'x']].concat())]).build().unwrap_err().to_string();
    assert!(too_long.contains("65536") && too_long.contains("65535"), "{too_long}");
    let value = with("/a.php", &[(name(5, 0), vec![b'x'; 65_535])]).build().unwrap_err().to_string();
    assert!(value.contains("a value of 65535 bytes"), "{value}");
}

#[test]
fn a_mebibyte_of_params() {
    let pairs: Vec<_> = (0..4000).map(|n| (name(12, n), vec![b'a' + (n % 26) as u8; n % 701])).collect();
    assert!(pairs.iter().map(|(n, v)| n.len() + v.len()).sum::<usize>() > 1 << 20);
    arrive(&pairs);
}

#[test]
fn values_are_bytes() {
    // All but NUL, at which PHP ends a value.
    arrive(&[(b"T_BYTES".to_vec(), (1..=255).collect()), (b"T_EMPTY".to_vec(), Vec::new())]);
}

#[test]
fn what_towline_sets_by_itself() {
    let fpm = Fpm::start();
    let script = fpm.script(
        "server.php",
        "foreach (['GATEWAY_INTERFACE', 'SERVER_PROTOCOL', 'REQUEST_METHOD', 'SCRIPT_FILENAME', 'SCRIPT_NAME',
            'REQUEST_URI', 'QUERY_STRING', 'CONTENT_LENGTH', 'CONTENT_TYPE', 'HTTP_X_TEST', 'FCGI_ROLE'] as $n) {
            echo $n, '=', $_SERVER[$n] ?? '-', \"\\n\";
        }",
    );
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let request = Request::builder(script.as_str())
        .method("DELETE")
        .query("a=1&b=2")
        .header("X-Test", "yes")
        .unwrap()
        .param("REQUEST_URI", "/pretty?a=1")
        .build()
        .unwrap();
    let key = driver.send(client, &request);
    let expected = format!(
        "GATEWAY_INTERFACE=CGI/1.1\nSERVER_PROTOCOL=HTTP/1.1\nREQUEST_METHOD=DELETE\nSCRIPT_FILENAME={script}\n\
         SCRIPT_NAME={script}\nREQUEST_URI=/pretty?a=1\nQUERY_STRING=a=1&b=2\nCONTENT_LENGTH=0\nCONTENT_TYPE=\n\
         HTTP_X_TEST=yes\nFCGI_ROLE=RESPONDER\n"
    );
    assert_eq!(driver.text(key), expected.replace("CONTENT_TYPE=\n", "CONTENT_TYPE=-\n"));
}
