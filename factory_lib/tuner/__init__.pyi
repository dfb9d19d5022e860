from .notebook import MotionTuner as MotionTuner
