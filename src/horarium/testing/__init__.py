"""For the tests of programs that use Horarium: a store in memory, time that is moved by hand, and a worker in place."""

from horarium.clock import ManualClock
from horarium.testing.drain import drain
from horarium.testing.isolated import isolated
from horarium.testing.simulate import SimulatedRun, Simulation, simulate

__all__ = ["ManualClock", "SimulatedRun", "Simulation", "drain", "isolated", "simulate"]
