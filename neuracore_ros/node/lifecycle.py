"""The lifecycle node named ``infer``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_srvs.srv import SetBool, Trigger

from neuracore_ros.errors import UserError
from neuracore_ros.node import parameters
from neuracore_ros.node.inference import Interrupted
from neuracore_ros.node.ros_arguments import first_line
from neuracore_ros.node.session import Session


class InferNode(LifecycleNode):  # type: ignore[misc]
    """The lifecycle around a session.

    Args:
        interrupted: Returns True once the process is asked to end.

    Attributes:
        ended: The node was shut down by a transition: nothing more will come.
        failure: A bug that no caller of ours would see; the process must stop the robot and end.
        model_runs_on: The model's thread could not be ended.
    """

    def __init__(self, interrupted: Callable[[], bool]) -> None:
        super().__init__('infer', automatically_declare_parameters_from_overrides=True)
        self.ended = False
        self.failure: Exception | None = None
        self.model_runs_on = False
        self._interrupted = interrupted
        self._session: Session | None = None
        self._active = False
        parameters.declare(self)
        self.create_service(SetBool, '~/enable', self._on_enable)
        self.create_service(Trigger, '~/reset', self._on_reset)
        self.create_service(SetBool, '~/takeover', self._on_takeover)
        for service in self.services:
            if service.srv_type is ChangeState:
                service.callback = partial(self._on_change_state, service.callback)

    @property
    def autostart(self) -> bool:
        """True to configure and activate at once; also if the parameter has a wrong type."""
        return self.get_parameter('autostart').value is not False

    @property
    def ends_with_parent(self) -> bool:
        """True to end with the parent process."""
        return self.get_parameter('end_with_parent').value is True

    @property
    def settled(self) -> bool:
        """True once the robot rests after `stop_robot`, or waiting for that has timed out."""
        return self._session is None or self._session.settled

    def stop_robot(self) -> None:
        """Brake, from whatever state; harmless if there is nothing to stop."""
        if self._session is not None and self._active:
            self._active = False
            self._session.stop()

    def close(self) -> None:
        """Give back what configure opened."""
        if self._session is not None:
            session, self._session = self._session, None
            self.remove_on_set_parameters_callback(parameters.refuse_change)
            # Also if an earlier session's did and this one's does not.
            self.model_runs_on |= not session.close()

    # Transitions. rclpy turns exceptions into a silent failure, so each is remembered first.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load, check, open, warm up."""
        return self._guarded(self._configure) or super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run."""
        return self._guarded(self._activate) or super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the robot."""
        return self._guarded(self.stop_robot) or super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back."""
        return self._guarded(self.close) or super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the robot and let the process end."""
        self.ended = True
        return self._guarded(self.stop_robot) or super().on_shutdown(state)

    def _on_change_state(
        self,
        change: Callable[[ChangeState.Request, ChangeState.Response], ChangeState.Response],
        request: ChangeState.Request,
        response: ChangeState.Response,
    ) -> ChangeState.Response:
        """Refuse a transition that its state does not have; in Jazzy, rclpy raises instead."""
        try:
            return change(request, response)
        except RuntimeError as error:  # rclpy's own: those of our transitions are caught.
            self.get_logger().error(first_line(error))
            response.success = False
            return response

    def _configure(self) -> None:
        try:
            self._session = Session(self, parameters.read(self), self._interrupted, self._remember)
        except Interrupted:
            self.model_runs_on = True
            raise
        self.add_on_set_parameters_callback(parameters.refuse_change)

    def _activate(self) -> None:
        assert self._session is not None, 'activate comes after configure'
        self._session.start()
        self._active = True

    def _guarded(self, work: Callable[[], None]) -> TransitionCallbackReturn | None:
        """Do the work of a transition; returns what to answer if it went wrong."""
        try:
            work()
        except UserError as error:
            self.get_logger().fatal(str(error))
            return TransitionCallbackReturn.FAILURE
        except Interrupted:
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            self._remember(error)
            return TransitionCallbackReturn.ERROR
        return None

    def _remember(self, error: Exception) -> None:
        self.failure = self.failure or error

    # Services

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success, response.message = self._active, 'the node is not active'
        if self._session is not None and self._active:
            response.message = self._session.enable(request.data)
        return response

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self._active, 'the node is not active'
        if self._session is not None and self._active:
            response.message = self._session.reset()
        return response

    def _on_takeover(
        self, request: SetBool.Request, response: SetBool.Response
    ) -> SetBool.Response:
        response.success, response.message = self._active, 'the node is not active'
        if self._session is not None and self._active:
            try:
                response.message = self._session.take_over(request.data)
            except UserError as error:
                response.success, response.message = False, str(error)
        return response
