import os
import sys
import threading
from pathlib import Path

import pytest

from factory_lib.controller import FactoryController
from factory_lib.errors import ControllerError


@pytest.fixture(autouse=True)
def no_wish_for_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACTORY_BOARD", raising=False)


def orders(controller: FactoryController) -> list[str]:
    return [what for _, what in controller.log]


def test_without_a_port_the_board_is_simulated_and_everything_is_off() -> None:
    with FactoryController() as controller:
        assert controller.is_dummy
        assert (controller.red, controller.orange, controller.green, controller.conveyor) == (False,) * 4
        assert controller.log == []


def test_the_kits_calls_work_as_the_slides_write_them() -> None:
    with FactoryController() as ctrl:
        ctrl.system_start()
        assert (ctrl.red, ctrl.orange, ctrl.green, ctrl.conveyor) == (False, False, True, True)
        ctrl.orange = FactoryController.DEV_ON
        ctrl.push_actuator(1)
        ctrl.push_actuator(2)
        ctrl.conveyor = ctrl.DEV_OFF
        ctrl.system_stop()
        assert (ctrl.red, ctrl.orange, ctrl.green, ctrl.conveyor) == (True, False, False, False)

    assert orders(ctrl) == [
        "green on",
        "conveyor on",
        "orange on",
        "push actuator 1",
        "push actuator 2",
        "conveyor off",
        "green off",
        "orange off",
        "red on",
        "red off",
    ]


def test_the_log_says_when_in_rising_seconds() -> None:
    with FactoryController() as controller:
        controller.system_start()
        controller.system_stop()

    times = [seconds for seconds, _ in controller.log]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < 60


def test_the_log_keeps_the_last_thousand_orders() -> None:
    with FactoryController() as controller:
        for _ in range(1500):
            controller.push_actuator(1)

        assert len(controller.log) == 1000


def test_close_switches_everything_off_and_may_come_twice() -> None:
    controller = FactoryController()
    controller.system_start()

    controller.close()
    controller.close()

    assert (controller.green, controller.conveyor) == (False, False)
    assert orders(controller)[-2:] == ["green off", "conveyor off"]


def test_an_error_in_the_block_also_switches_everything_off() -> None:
    with pytest.raises(ZeroDivisionError), FactoryController() as controller:
        controller.system_start()
        _ = 1 / 0

    assert not controller.conveyor


def test_a_closed_controller_says_so() -> None:
    controller = FactoryController()
    controller.close()

    with pytest.raises(ControllerError, match=r"closed: it cannot do 'conveyor on'\. Make a new"):
        controller.conveyor = True
    with pytest.raises(ControllerError, match="closed: it cannot do 'push actuator 1'"):
        controller.push_actuator(1)


@pytest.mark.parametrize("number", [0, 3, -1, "1"])
def test_an_actuator_that_is_not_there_is_refused(number: object) -> None:
    with (
        FactoryController() as controller,
        pytest.raises(ControllerError, match="no actuator .* one of 1, 2"),
    ):
        controller.push_actuator(number)  # type: ignore[arg-type]


def test_an_output_takes_only_on_and_off() -> None:
    with FactoryController() as controller:
        with pytest.raises(ControllerError, match="green cannot be set to 'on'. Use DEV_ON"):
            controller.green = "on"  # type: ignore[assignment]
        assert controller.green is False


def test_repr_draws_the_state_in_words() -> None:
    controller = FactoryController()
    assert repr(controller) == (
        "<FactoryController, simulated: beacon dark, belt standing; last order: none yet>"
    )
    controller.system_start()
    controller.orange = True
    controller.push_actuator(2)
    words = repr(controller)
    assert "beacon orange and green, belt running; last order: push actuator 2 at 0." in words
    controller.close()
    assert "simulated, closed: beacon dark" in repr(controller)


def test_a_port_that_cannot_be_opened_is_one_error_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ControllerError) as caught:
        FactoryController(str(tmp_path / "ttyUSB0"))

    assert "ttyUSB0 cannot be opened: No such file or directory." in str(caught.value)
    assert "FACTORY_BOARD=simulated" in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="makes a terminal with openpty")
def test_a_port_that_opens_is_not_passed_off_as_a_board_that_works() -> None:
    main, port = os.openpty()
    try:
        with pytest.raises(ControllerError, match="opens, but this version cannot talk to a real board yet"):
            FactoryController(os.ttyname(port))
    finally:
        os.close(main)
        os.close(port)


def test_simulation_can_be_asked_for_and_wins_over_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with FactoryController("/nowhere/ttyUSB0", simulate=True) as controller:
        assert controller.is_dummy
    monkeypatch.setenv("FACTORY_BOARD", "simulated")
    with FactoryController("/nowhere/ttyUSB0") as controller:
        assert controller.is_dummy


def test_orders_from_many_threads_are_all_logged() -> None:
    with FactoryController() as controller:
        threads = [
            threading.Thread(target=lambda: [controller.push_actuator(1) for _ in range(100)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)

        assert orders(controller) == ["push actuator 1"] * 800
