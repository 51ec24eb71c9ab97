"""The one request that is under way, and when its answer is used."""

from __future__ import annotations

from neuracore_ros.runner.exchange import Answer, Request


class Asking:
    """When to ask the model, and which of its answers still count.

    Everything is counted in steps, so that no jump of the clock makes a difference.
    """

    def __init__(self, execute_steps: int, delay_steps: int, patience_steps: int) -> None:
        """Nothing is asked yet.

        Args:
            execute_steps: From one request to the next.
            delay_steps: An answer is used so many steps after its observation, however early it
                came; 0: as soon as it comes.
            patience_steps: From here on a request without an answer is overdue.
        """
        self._execute_steps = execute_steps
        self._delay_steps = delay_steps
        self._patience_steps = patience_steps
        self._generation = 0
        self._next_step = 0
        self._request: Request | None = None
        self._answer: Answer | None = None
        self._waited = self._step = 0

    @property
    def generation(self) -> int:
        """The run that requests now belong to."""
        return self._generation

    @property
    def is_delayed(self) -> bool:
        """Whether answers wait for their step."""
        return self._delay_steps > 0

    @property
    def waited_steps(self) -> int:
        """Steps since the request that is under way."""
        return self._waited

    def may_ask(self, step: int) -> bool:
        """Whether it is time for a request, and none is under way."""
        return self._request is None and step >= self._next_step

    def ask(self, request: Request) -> None:
        """A request is under way."""
        self._request, self._answer, self._waited = request, None, 0
        self._next_step = request.tick + self._execute_steps

    def postpone(self, step: int) -> None:
        """Ask again as if a request had been made now; at 0, as soon as possible."""
        self._next_step = step and step + self._execute_steps

    def drop(self) -> None:
        """What was asked so far is no longer used."""
        self._generation += 1
        self._next_step = 0

    def step(self, step: int) -> None:
        """It is another step now; steps start anew where the clock went back."""
        passed = step - self._step
        self._waited += passed if passed >= 0 else 1
        self._step = step

    def take(self, answer: Answer) -> bool:
        """Keep an answer; whether it is to the request that is under way."""
        if self._request is not answer.request:
            return False
        self._answer = answer
        return True

    def due(self) -> Answer | None:
        """The answer that is to be used now, if there is one; it ends its request."""
        if self._answer is None or self._waited < self._delay_steps:
            return None
        answer, self._answer, self._request = self._answer, None, None
        return answer if answer.request.generation == self._generation else None

    def is_late(self) -> bool:
        """Whether an answer of this run has to be used now and is not there."""
        return (
            self._request is not None
            and self._answer is None
            and self._request.generation == self._generation
            and self._waited >= (self._delay_steps or self._patience_steps)
        )

    def is_stuck(self) -> bool:
        """Whether the model owes any answer for too long, be it still of use or not."""
        return self._request is not None and self._waited > self._patience_steps
