from train.evaluation.features import FixedNetwork as FixedNetwork
from train.evaluation.meter import DataStatistics as DataStatistics
from train.evaluation.meter import data_against_data as data_against_data
from train.evaluation.meter import frechet_of as frechet_of
from train.evaluation.samples import Sampling as Sampling
