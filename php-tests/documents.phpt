--TEST--
What the documents lead to is there: links, pictures, headings, the tests they name
--FILE--
<?php
$top = dirname(__DIR__);
$documents = [...glob("$top/*.md"), ...glob("$top/docs/*.md")];
$slug = fn (string $heading): string => str_replace(' ', '-', preg_replace('/[^\w\- ]/u', '', strtolower($heading)));
$headings = fn (string $file): array => preg_match_all('/^#+ (.+)$/m', preg_replace('/^```.*?^```$/ms', '', file_get_contents($file)), $found)
    ? array_map($slug, $found[1]) : [];
$seen = ['files' => 0, 'headings' => 0, 'tests' => 0];
foreach ($documents as $document) {
    $text = file_get_contents($document);
    preg_match_all('/\]\(([^)\s]+)\)/', $text, $links);
    foreach ($links[1] as $link) {
        if (str_contains($link, '://')) {
            continue;
        }
        [$path, $anchor] = explode('#', $link, 2) + ['', null];
        $file = $path === '' ? $document : dirname($document) . "/$path";
        file_exists($file) || print("$document: $link is not there\n");
        $seen['files']++;
        if ($anchor !== null) {
            in_array($anchor, $headings($file), true) || print("$document: $link has no such heading\n");
            $seen['headings']++;
        }
    }
    preg_match_all('/^\*Tests?:.*\*$/m', $text, $lines);
    preg_match_all('/`([\w.\/-]+\/[\w.\/*-]*)`/', implode("\n", $lines[0]), $tests);
    foreach ($tests[1] as $test) {
        glob("$top/$test") || print("$document: $test is not there\n");
        $seen['tests']++;
    }
}
foreach ($seen as $what => $count) {
    echo $what, ': ', $count > 0 ? 'some' : 'none', "\n";
}
?>
--EXPECT--
files: some
headings: some
tests: some
