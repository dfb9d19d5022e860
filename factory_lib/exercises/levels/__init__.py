"""The race lab's levels, a file each."""
