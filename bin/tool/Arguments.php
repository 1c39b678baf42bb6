<?php

declare(strict_types=1);

namespace Towline\Tool;

/**
 * The command line, taken apart.
 *
 * Each rule says what an option is: 'flag', 'text', 'texts' (may be repeated), 'list' (K=V, may be repeated), 'variables' (as list, but K alone takes the
 * value of this program's own environment), 'count' (a whole number above zero) or 'seconds'.
 */
final class Arguments
{
    /** @var array<string, mixed> */
    public array $options = [];
    /** @var list<string> */
    public array $operands = [];

    /**
     * @param list<string> $words
     * @param array<string, string> $rules
     * @param array<string, string> $short letter => long name
     * @param bool $leading options come before the first operand; what follows it belongs to somebody else
     */
    public function __construct(array $words, private string $command, private array $rules, private array $short = [], bool $leading = false)
    {
        $this->rules += ['help' => 'flag'];
        $this->short += ['h' => 'help'];
        while (($word = array_shift($words)) !== null) {
            if ($word === '--') {
                array_push($this->operands, ...$words);
                return;
            }
            if (str_starts_with($word, '--')) {
                $parts = explode('=', substr($word, 2), 2);
                $this->take($word, $parts[0], $parts[1] ?? null, $words);
            } elseif ($word !== '-' && str_starts_with($word, '-')) {
                $rest = substr($word, 2);
                $name = $this->short[$word[1]] ?? '';
                if ($rest !== '' && $rest[0] !== '=' && ($this->rules[$name] ?? '') === 'flag') {
                    // Several letters in one word, as in -it.
                    array_unshift($words, "-$rest");
                    $rest = '';
                }
                $this->take($word, $name, $rest === '' ? null : ltrim($rest, '='), $words);
            } else {
                $this->operands[] = $word;
                if ($leading) {
                    array_push($this->operands, ...$words);
                    return;
                }
            }
        }
    }

    /** @param list<string> $words */
    private function take(string $word, string $name, ?string $value, array &$words): void
    {
        $rule = $this->rules[$name] ?? throw new UsageError("unknown option $word" . $this->guess($name));
        $option = str_starts_with($word, '--') ? "--$name" : substr($word, 0, 2);
        if ($rule === 'flag') {
            if ($value !== null) {
                throw new UsageError("option $option takes no value");
            }
            $this->options[$name] = true;
            return;
        }
        $value ??= array_shift($words) ?? throw new UsageError("option $option needs a value");
        if ($rule === 'texts') {
            $this->options[$name][] = $value;
            return;
        }
        if ($rule === 'list' || $rule === 'variables') {
            [$key, $text] = explode('=', $value, 2) + [1 => null];
            if ($rule === 'variables' && $text === null && $key !== '') {
                $text = getenv($key);
                if ($text === false) {
                    return;
                }
            }
            if ($key === '' || $text === null) {
                throw new UsageError("option $option got '$value'; expected NAME=VALUE");
            }
            $this->options[$name][$key] = $text;
            return;
        }
        $this->options[$name] = match ($rule) {
            'text' => $value,
            'count' => filter_var($value, FILTER_VALIDATE_INT, ['options' => ['min_range' => 1]])
                ?: throw new UsageError("option $option got '$value'; expected a whole number above zero"),
            'seconds' => is_numeric($value) && (float) $value > 0 && is_finite((float) $value)
                ? (float) $value
                : throw new UsageError("option $option got '$value'; expected a number of seconds above zero"),
        };
    }

    private function guess(string $name): string
    {
        foreach (array_keys($this->rules) as $known) {
            if (levenshtein($known, substr($name, 0, 50)) <= 2) {
                return "; did you mean --$known?";
            }
        }
        return '';
    }
}
