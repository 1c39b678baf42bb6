<?php
// Prints as JSON what reflection knows of every Towline class: of the extension, or of the stub file given as an argument.

declare(strict_types=1);

if (isset($argv[1])) {
    require $argv[1];
}

$value = static fn (mixed $value): string => $value instanceof UnitEnum ? $value::class . '::' . $value->name : var_export($value, true);
$modifiers = static fn ($member): string => implode(' ', Reflection::getModifierNames($member->getModifiers()));

$classes = [];
foreach ([...get_declared_classes(), ...get_declared_interfaces()] as $name) {
    if (!str_starts_with($name, 'Towline\\')) {
        continue;
    }
    $class = new ReflectionClass($name);
    $members = [
        // PHP 8.2 does not call the enums of extensions final.
        'class' => $class->isEnum() ? 'enum' : $modifiers($class) . ' class',
        'parent' => ($class->getParentClass() ?: null)?->getName(),
        'interfaces' => $class->getInterfaceNames(),
    ];
    sort($members['interfaces']);
    foreach ($class->getMethods() as $method) {
        if ($method->getDeclaringClass()->getName() !== $name) {
            continue;
        }
        $parameters = [];
        foreach ($method->getParameters() as $parameter) {
            $types = explode('|', (string) $parameter->getType());
            sort($types);
            $parameters[] = implode('|', $types) . ' $' . $parameter->getName()
                . ($parameter->isOptional() ? ' = ' . $value($parameter->getDefaultValue()) : '');
        }
        $members[$method->getName() . '()'] = $modifiers($method) . ' (' . implode(', ', $parameters) . '): ' . $method->getReturnType();
    }
    foreach ($class->getProperties(ReflectionProperty::IS_PUBLIC) as $property) {
        if ($property->getDeclaringClass()->getName() === $name) {
            $members['$' . $property->getName()] = $modifiers($property) . ' ' . $property->getType();
        }
    }
    foreach ($class->getReflectionConstants() as $constant) {
        $members[$constant->getName()] = $value($constant->getValue()) . ' ' . json_encode($constant->getValue()->value ?? null);
    }
    $classes[$name] = $members;
}
echo json_encode($classes);
