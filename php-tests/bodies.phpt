--TEST--
Bodies both ways, collected and streamed, whatever their bytes
--FILE--
<?php
use Towline\FastCgi\{Client, Request};
require __DIR__ . '/inc.php';
$client = client(ini: ['post_max_size' => '64M', 'memory_limit' => '256M', 'enable_post_data_reading' => '0']);
$echo = script('while (!feof($in ??= fopen("php://input", "r"))) { echo fread($in, 65536); }');

foreach ([0, 1, 65535, 65536, 16 << 20] as $size) {
    $bytes = $size > 100 ? substr(str_repeat(random_bytes(65521), intdiv($size, 65521) + 1), 0, $size) : str_repeat("\0", $size);
    $collected = $client->request(new Request($echo, 'POST', body: $bytes))->body;

    $at = 0;
    $asked = 0;
    $source = function (int $most) use ($bytes, &$at, &$asked): ?string {
        $asked = max($asked, $most);
        $piece = substr($bytes, $at, $most);
        $at += strlen($piece);
        return $piece === '' ? null : $piece;
    };
    $streamed = '';
    $heads = 0;
    $response = $client->send(
        new Request($echo, 'POST', body: $source, contentLength: $size),
        onHead: function ($r) use (&$heads) { $heads += $r->status === 200 && $r->body === ''; },
        onBody: function (string $piece) use (&$streamed) { $streamed .= $piece; },
    )->await();
    echo $size, ': ', var_export($collected === $bytes && $streamed === $bytes && $heads === 1 && $response->body === '', true),
        $asked > 1 << 20 ? " (asked for $asked at once)" : '', "\n";
}

echo $client->request(new Request($echo, 'POST', body: '0'))->body, "\n";
$pieces = ['0', '0'];
$source = function () use (&$pieces) { return array_shift($pieces); };
echo $client->request(new Request($echo, 'POST', body: $source, contentLength: 2))->body, "\n";
?>
--EXPECT--
0: true
1: true
65535: true
65536: true
16777216: true
0
00
