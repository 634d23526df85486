"""What a log may say of a failure: its kind and place, and never a value."""

from generated.runtime.problems import Problem


def reason_of(failure: BaseException) -> str:
    """What failed, by type; only our own messages are known to hold no input."""
    if isinstance(failure, Problem):
        return failure.slug
    ours = type(failure).__module__.split(".")[0] in ("db", "handlers")
    return f"{type(failure).__name__}: {failure}" if ours else type(failure).__name__


def frames_of(failure: BaseException | None) -> list[str]:
    """Where it failed, innermost last, without the values that a traceback's message may hold."""
    frames = []
    traceback = failure.__traceback__ if failure else None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames[-8:]
