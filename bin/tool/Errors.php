<?php

declare(strict_types=1);

namespace Towline\Tool;

/** The command line cannot be understood. */
final class UsageError extends \Exception
{
}

/** A failure that is told in one line. */
class Failure extends \Exception
{
}
