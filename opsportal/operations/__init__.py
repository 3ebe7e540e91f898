"""Operations: the engine (queue, one at a time, runner, steps, live output) and its kinds."""
